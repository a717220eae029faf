// The table of what errors mean. The first that fits a message counts: the special ones stand before the
// general ones. docs/errors.md has the same rows, and a snapshot of each is in Tests/CommandTests/Mistakes.
extension Hint {
  static let all = syntax + forbidden + values + arguments + ours + results + slack + files + config

  // MARK: - Lua's own

  static let syntax = [
    Hint(
      "TEXT near '!'", "Lua has no `!`", "`~=` is \"not equal\", and `not x` the opposite of x"),
    Hint("unexpected symbol near '&'", "Lua has no `&&`", "write `and`"),
    Hint("unexpected symbol near '|'", "Lua has no `||`", "write `or`"),
    Hint(
      "syntax error near '+'", "Lua has no `+=` and no `++`", "write the name twice: `n = n + 1`"),
    Hint(
      "'then' expected near '='", "a single `=` sets a value", "compare with two: `==`"),
    Hint(
      "'then' expected near TEXT", "the condition after `if` does not end here",
      "write `then` after it"),
    Hint("'do' expected near TEXT", "a loop's head does not end here", "write `do` after it"),
    Hint(
      "'=' expected near TEXT", "Lua took this for a value that is set, and there is none",
      "set one, `name = value`, or call a function, `name(…)`"),
    Hint(
      "'end' expected (to close 'NAME' at line NUMBER) near TEXT",
      "the NAME that begins in line NUMBER has no `end`",
      "add it; `else if` opens a second `if`, `elseif` does not"),
    Hint(
      "'end' expected near TEXT", "something that was opened has no `end`", "add it before this"),
    Hint(
      "'}' expected (to close '{' at line NUMBER) near TEXT",
      "the table that begins in line NUMBER has no `}`, or a comma is missing",
      "look at the end of the line before"),
    Hint(
      "'}' expected near TEXT", "a table ends too early, or a comma is missing",
      "write `,` between its parts"),
    Hint(
      "')' expected (to close '(' at line NUMBER) near TEXT",
      "the bracket of line NUMBER is not closed, or a comma is missing",
      "look at the end of the line before"),
    Hint(
      "')' expected near TEXT", "a bracket is not closed, or a comma is missing",
      "write `)`, or `,` between arguments"),
    Hint(
      "<name> expected near '\"TEXT", "behind a `.` or a `:` stands a name",
      "two dots join texts, `a .. b`; a part of a table is `name = value`"),
    Hint(
      "<name> expected near TEXT", "Lua wants a name here",
      "a function is `name = function(event, payload)`, a part of a table `name = value`"),
    Hint(
      "<eof> expected near TEXT", "the script goes on after its `return`",
      "look for an `end` too many; `return` is the last thing in a file"),
    Hint(
      "unfinished string near TEXT", "a text has no closing quote in its line",
      "close it; `\\n` makes a new line in it"),
    Hint(
      "unfinished long NAME (starting at line NUMBER) near TEXT",
      "the NAME that begins in line NUMBER has no end", "close it with `]]`"),
    Hint(
      "malformed number near TEXT", "this begins like a number and is none",
      "names begin with a letter, and texts stand in quotes"),
    Hint(
      "invalid escape sequence near TEXT", "a backslash in a text has a meaning of its own",
      "write `\\\\` for one that is shown; patterns use `%`, as in `%d`"),
    Hint(
      "no visible label 'NAME' for <goto> at line NUMBER", "there is no place called NAME",
      "write `::NAME::` where it should go on"),
    Hint(
      "break outside loop at line NUMBER", "there is no loop to leave here",
      "`return` leaves a function"),
    Hint(
      "attempt to assign to const variable 'NAME'", "NAME was declared `<const>`",
      "leave that out, or use another name"),
    Hint(
      "unexpected symbol near '<\\226>'", "this sign is no part of Lua",
      "a word processor's quotes and dashes are other signs: write \" and -"),
    Hint(
      "unexpected symbol near '#'", "Lua has another sign for a comment", "begin it with `--`"),
    Hint(
      "unexpected symbol near '/'", "Lua has another sign for a comment",
      "begin it with `--`; longer ones are `--[[ … ]]`"),
    Hint(
      "unexpected symbol near '?'", "Lua has no `? :`",
      "write `condition and one or other`"),
    Hint(
      "unexpected symbol near '{'", "a table that stands alone does nothing",
      "a file ends with `return { … }`"),
    Hint(
      "unexpected symbol near '}'", "something above has no `end`",
      "each `function`, `if`, `for` and `while` needs its own; `else if` opens a second `if`, "
        + "`elseif` does not"),
    Hint(
      "unexpected symbol near ','", "something above has no `end`",
      "each `function`, `if`, `for` and `while` needs its own; `else if` opens a second `if`, "
        + "`elseif` does not"),
    Hint(
      "unexpected symbol near TEXT", "Lua did not expect this here",
      "look just before it: a value or a name is missing, or something is there twice"),
    Hint(
      "syntax error near TEXT", "what stands before this is no statement",
      "set a value, `name = value`, or call a function, `name(…)`"),
  ]

  static let forbidden = [
    Hint(
      "attempt to VERB a nil value (global 'NAME')", "a formatter sees no files and no network",
      "what it may know is in `event`; `lib/` holds what several formatters share",
      names: ["io", "package", "socket", "http"]),
    Hint(
      "attempt to call a nil value (field 'NAME')",
      "of `os` there are only time, date, clock and difftime",
      "a formatter runs no commands and sees no environment",
      names: [
        "execute", "getenv", "exit", "remove", "rename", "tmpname", "setlocale", "popen",
      ]),
    Hint(
      "attempt to call a nil value (global 'NAME')", "a formatter cannot load code",
      "put it into a file of `lib/`, and write `require(\"its name\")`",
      names: ["load", "loadfile", "loadstring", "dofile"]),
    Hint(
      "attempt to VERB a nil value (global 'NAME')", "Lua's word for nothing is `nil`",
      "write `nil`, or `slack.null` for a JSON null",
      names: ["null", "None", "NULL", "undefined"]),
    Hint(
      "attempt to VERB a nil value (global 'NAME')", "NAME is what the function is called with",
      "begin it with `function(event, payload)`", names: ["event", "payload"]),
    Hint(
      "attempt to call a nil value (global 'NAME')", "there is no function NAME here",
      "look at its spelling; of ours each begins with `slack.` or `ip.`", known: globals),
    Hint(
      "attempt to VERB a nil value (global 'NAME')", "there is nothing called NAME here",
      "look at its spelling, or give it a value with `local NAME = …` above", known: globals),
  ]

  private static let globals = [
    "slack", "ip", "event", "payload", "string", "table", "math", "os", "utf8", "pairs", "ipairs",
    "print", "require", "tostring", "tonumber", "type", "error", "pcall", "select", "return",
    "local", "function",
  ]

  static let values = [
    Hint(
      "attempt to VERB a nil value (field 'NAME')",
      "NAME is nil when nothing is known of the address", "ask first, `if event.NAME then`",
      names: ["geo", "history", "rdns"]),
    Hint(
      "attempt to VERB a nil value (field 'NAME')",
      "every event has NAME, so that this is none",
      "an event comes first, and then the payload: `function(event, payload)`",
      names: ["kind", "jail", "host", "severity", "reasons", "now", "delay", "fields", "lists"]),
    Hint(
      "attempt to concatenate a nil value (field 'NAME')", "not every event has NAME",
      "write `(event.NAME or \"\")`", names: Event.members),
    Hint(
      "attempt to VERB a nil value (field 'NAME')", "not every event has NAME",
      "ask first, `if event.NAME then`", names: Event.members),
    Hint(
      "attempt to VERB a nil value (field 'NAME')", "the list has nothing at that place",
      "a list begins at 1; ask first, `if list[1] then`", names: ["?", "integer index"]),
    Hint(
      "attempt to call a nil value (method 'NAME')", "there is no function NAME behind the colon",
      "only texts have such, `text:upper()`; ours have a dot, `slack.code(text)`"),
    Hint(
      "attempt to VERB a nil value (TYPE 'NAME')", "NAME is nil here",
      "ask first, `if NAME then`, or look at its spelling"),
    Hint(
      "attempt to VERB a nil value", "what is used here is nil",
      "ask first, or name something else: `value or \"\"`"),
    Hint(
      "attempt to call a table value (for iterator TEXT", "`for` cannot go through a table itself",
      "write `pairs(t)`, or `ipairs(t)` for a list"),
    Hint(
      "attempt to call a TYPE value (VERB 'NAME')", "NAME is a TYPE and no function",
      "leave the brackets out"),
    Hint(
      "attempt to concatenate a boolean valueTEXT", "true and false are no texts",
      "write `tostring(x)`, or `x and \"yes\" or \"no\"`"),
    Hint(
      "attempt to concatenate a TYPE valueTEXT", "a TYPE is no text",
      "name a member of it, or join a list with `table.concat(list, \", \")`"),
    Hint(
      "attempt to index a TYPE value (VERB 'NAME')", "NAME is a TYPE and has no members",
      "a payload's text is `payload.text`: look which of them is the table"),
    Hint("attempt to get length of a TYPE valueTEXT", "only texts and lists have a length", ""),
    Hint(
      "attempt to idiv a 'TYPE' with a 'VERB'", "`//` divides", "a comment begins with `--`"),
    Hint(
      "attempt to unm a 'TYPE' with a 'VERB'", "`-` needs a number after it",
      "make it one with `tonumber(x)`; join texts with `..`"),
    Hint(
      "attempt to VERB a 'TYPE' with a 'NAME'", "one of the two is no number",
      "make it one with `tonumber(x)`; join texts with `..`"),
    Hint(
      "attempt to compare two TYPE values", "these have no order",
      "compare members of them, or with `==`"),
    Hint(
      "attempt to compare TYPE with nil", "the second of the two is nil",
      "ask first, or name a value for it: `(x or 0)`"),
    Hint(
      "attempt to compare nil with TYPE", "the first of the two is nil",
      "ask first, or name a value for it: `(x or 0)`"),
    Hint(
      "attempt to compare TYPE with VERB", "a TYPE and a VERB have no order",
      "make both numbers: `(tonumber(x) or 0)`"),
    Hint(
      "table index is nil", "what stands in the brackets is nil", "ask first, `if key then`"),
    Hint("attempt to divide by zero", "`//` and `%` cannot divide by 0", "ask first"),
    Hint(
      "number has no integer representation", "this needs a whole number", "write `x // 1`"),
    Hint(
      "bad 'for' TYPE (number expected, got VERB)", "`for` counts with numbers, and this is VERB",
      "write `tonumber(x) or 0`"),
    Hint("'for' step is zero", "a loop with steps of 0 would never end", "name another step"),
    Hint(
      "attempt to yield from outside a coroutine", "there is nobody to yield to",
      "leave it out; `return` ends a function"),
    Hint(
      "error with a TYPE instead of text", "`error` was called with a TYPE",
      "say in words what is wrong: `error(\"…\")`"),
  ]

  static let arguments = [
    Hint(
      "bad argument #NUMBER to 'NAME' (no value)", "NAME wants more values than it got",
      "each % of a layout takes one; `%%` is a percent sign"),
    Hint(
      "bad argument #NUMBER to 'NAME' (number has no integer representation)",
      "NAME wants a whole number here", "write `x // 1`, or `%.1f` in place of `%d`"),
    Hint(
      "bad argument #NUMBER to 'NAME' (TEXT expected, got nil)",
      "the value number NUMBER that NAME got is nil", "name something in its place: `x or \"\"`"),
    Hint(
      "bad argument #NUMBER to 'NAME' (TEXT expected, got no value)",
      "NAME was called with too little", "give it the value"),
    Hint(
      "bad argument #NUMBER to 'NAME' (TEXT expected, got TYPE)",
      "the value number NUMBER that NAME got is another kind of thing",
      "`tostring(x)` and `tonumber(x)` change it"),
    Hint(
      "bad argument #NUMBER to 'NAME' (TEXT)", "NAME cannot use value number NUMBER: TEXT", ""),
    Hint(
      "wrong number of arguments to 'NAME'", "NAME was called with too many values or too few",
      "it is `table.insert(list, value)`"),
    Hint(
      "invalid conversion 'TEXT' to 'format'", "a layout has no TEXT",
      "texts are `%s`, whole numbers `%d`; `%%` is a percent sign"),
    Hint(
      "string.format: %p is not allowed", "it would show an address in memory", "write `%s`"),
    Hint(
      "malformed pattern (TEXT)", "in a pattern % [ ( have a meaning of their own",
      "write % before each to mean itself, or `find(text, word, 1, true)`"),
    Hint(
      "invalid use of '%' in replacement string", "% has a meaning of its own there",
      "write `%%` for a percent sign"),
    Hint(
      "invalid value (TEXT) at index NUMBER in table for 'concat'",
      "value number NUMBER of the list is no text", "put `tostring(x)` into the list"),
  ]

  // MARK: - The sandbox's

  static let ours = [
    Hint(
      "time limit (NUMBER ms for all formatters)", "all formatters together took too long",
      "look for a loop in this one; `chain` in [limits] moves the limit"),
    Hint(
      "time limit (TEXT)", "it was stopped in this line",
      "look for a loop that does not end; `file` in [limits] moves the limit"),
    Hint(
      "memory limit (TEXT)", "it used more memory than it may",
      "look for a text or list that grows, or a function that calls itself; `memory` in [limits] "
        + "moves the limit"),
    Hint(
      "too slow NUMBER times in a row; left out for a minute", "it took too much of its time",
      "look for a loop that does not end"),
    Hint("there is no event.lists.NAME; TEXT", "the config has no list called NAME", ""),
    Hint("there is no event.NAME; TEXT", "no event ever has NAME", ""),
    Hint("there is no slack.NAME; there are: TEXT", "`slack` has no function called NAME", ""),
    Hint("there is no ip.NAME; there are: TEXT", "`ip` has no function called NAME", ""),
    Hint(
      "there is no lib/NAME.lua beside the formatters", "`require` looks only into `lib/`",
      "put the file there"),
    Hint(
      "lib/NAME.lua requires itself", "it waits for itself, perhaps by way of another",
      "put what both need into a third file"),
    Hint("a library's name cannot hold \\0", "no file has such a name", ""),
    Hint("cannot change a protected metatable", "luaslack needs it as it is", "leave it out"),
    Hint("__gc is not allowed", "nothing may run after a formatter's end", "leave it out"),
    Hint(
      "must return a table of handlers or a function, not nil",
      "the file does not return its functions",
      "end it with `return { ban = function(event, payload) … end }`"),
    Hint(
      "must return a table of handlers or a function, not TYPE",
      "what the file returns is a TYPE",
      "end it with `return { ban = function(event, payload) … end }`"),
    Hint(
      "the handler 'NAME' must be a function", "NAME is called for each event of that kind",
      "write `NAME = function(event, payload) … end`"),
    Hint("no event calls \"NAME\"; TEXT", "there is no such kind of event", ""),
    Hint(
      "slack.mute or digest counts only if it is returned: return slack.mute(…)",
      "the call alone does nothing", ""),
  ]

  static let results = [
    Hint(
      "must return a table or nothing, not a TYPE", "what the function returned is no payload",
      "change `payload`, or return `{ text = \"…\" }`"),
    Hint(
      "the result must have named parts such as text", "what was returned is a list",
      "return `{ text = \"…\" }`"),
    Hint(
      "the second value must be { to = {...} }, not a TYPE",
      "what stands after the payload says where it goes",
      "write `return payload, { to = {\"name\"} }`"),
    Hint(
      "the second value has an unknown key 'NAME'; known: to, thread",
      "what stands after the payload says where it goes", "write `{ to = {\"name\"} }`"),
    Hint(
      "to: there is no destination 'NAME' in the config",
      "messages go to destinations of the config",
      "add `[destination.NAME]`, or look at its spelling"),
    Hint(
      "to: a list of destination names must not be empty", "the message would go nowhere",
      "leave `to` out, or `return slack.mute()`"),
    Hint("to: TEXT", "`to` is a list of names", "write `{ to = {\"name\"} }`"),
    Hint("thread: only \"reply\" is known", "", "write `{ thread = \"reply\" }`"),
    Hint(
      "TEXT: a list with a hole, or a table with keys of two kinds",
      "JSON has lists and tables with names, and nothing between",
      "add to a list with `list[#list + 1] = x`, and give it no names"),
    Hint(
      "TEXT: a key must be plain ASCII of at most 255 characters", "Slack knows no such key", ""),
    Hint("TEXT: the table contains itself", "it would never end", "put a copy there"),
    Hint(
      "TEXT: nested too deeply", "Slack takes no such message",
      "look for a table that is put into itself; `depth` in [limits] moves the limit"),
    Hint(
      "TEXT: more text or more values than a result may have", "Slack takes far less",
      "shorten it, `slack.truncate(text, 3000)`; `result` and `nodes` in [limits] move the limit"),
    Hint(
      "TEXT: NaN or infinity cannot be sent", "a division by 0 makes such numbers", "ask first"),
    Hint(
      "TEXT: a function cannot be sent", "a function stands where its result should",
      "call it: write the brackets"),
    Hint("TEXT: a TYPE cannot be sent", "JSON has no TYPE", "put a text there"),
  ]

  // MARK: - What Slack takes

  static let slack = [
    Hint(
      "slack.NAME must be TEXT, not nil", "what the function was given is nil",
      "look at its spelling, or name something in its place: `x or \"-\"`"),
    Hint(
      "slack.NAME must be TEXT, not VERB", "the function was given something else",
      "the page on formatters lists what each one takes"),
    Hint(
      "ip.NAME must be TEXT, not VERB", "the function was given something else",
      "the page on formatters lists what each one takes"),
    Hint(
      "slack.NAME must be a list { a, b, … }; it has the key KEY", "a list has no names in it", ""),
    Hint("slack.NAME has the unknown key 'KEY'; known: TEXT", "Slack knows no such part", ""),
    Hint(
      "slack.NAME takes 1 to 10 texts, not NUMBER", "Slack takes ten",
      "make a second block of the rest"),
    Hint("slack.section needs text or fields", "Slack takes no empty section", ""),
    Hint(
      "payload.NAME is not allowed; TEXT",
      "Slack's address, and what would make text live, are not "
        + "a formatter's to set", ""),
    Hint(
      "blocks of type markdown are not allowed; use slack.section",
      "an attacker's links would be live in it", ""),
    Hint(
      "NAME must begin with https://, http:// or mailto:", "other addresses lead nowhere in Slack",
      ""),
    Hint("TEXT: no TYPE has that; VERB", "Slack knows no such part", ""),
    Hint("TEXT must be a table, such as TYPE", "there is no table here", ""),
    Hint("TEXT must be a list { … }", "Slack wants several of them here, be it one", ""),
    Hint(
      "TEXT has no type; build it with slack.section and the like", "each block says its type", ""),
    Hint("TEXT: there is no block of type \"NAME\"VERB", "Slack knows no such block", ""),
    Hint("NAME must be text", "Slack wants a text here", ""),
    Hint("TEXT: VERB is no colour to Slack; TYPE", "Slack would leave the bar grey", ""),
    Hint(
      "a literal \"NAME\" is shown as text; use TEXT",
      "luaslack escapes all text, so that an attacker's is never live", ""),
    Hint(
      "TEXT characters in all blocks together, Slack takes NUMBER", "the rest would be cut",
      "shorten the longest with `slack.truncate`"),
    Hint(
      "TEXT characters, Slack takes NUMBER; use slack.truncate", "the rest would be cut", ""),
    Hint(
      "TEXT parts, Slack takes NUMBER", "the rest would be left out",
      "put some of them into one text"),
    Hint("TEXT: empty, which Slack refuses", "", "put something there, or leave the block out"),
    Hint(
      "TEXT: the same as an earlier one, which Slack refuses", "", "give each its own name"),
  ]
}
