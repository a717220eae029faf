// What is said of files, and of the config.
extension Hint {
  static let files = [
    Hint("no such file", "the name is misspelt, or the file lies elsewhere", "look with `ls`"),
    Hint(
      "no such file (list \"NAME\")", "the list NAME is empty until it is there",
      "write it, or look with `ls`"),
    Hint("no such file; did you mean TEXT", "the name is misspelt", ""),
    Hint(
      "no such file; it must name at least TEXT", "there is no config yet",
      "`luaslack init` writes one"),
    Hint("not an ordinary file", "this is a directory or a device", "name a file"),
    Hint(
      "larger than NUMBER KiB", "so large a file is mostly the wrong one",
      "name another, or make it shorter; `source` in [limits] moves a formatter's limit"),
    Hint(
      "can be written by others; chmod go-w", "whoever can write it decides what luaslack does", ""),
    Hint(
      "TEXT can be written by others; chmod go-w",
      "whoever can write it decides what luaslack does",
      ""),
    Hint(
      "no shipped formatter is called \"NAME\"TEXT", "`formatters` names shipped ones, and `local`",
      ""),
    Hint(
      "destination.TEXT: NAME: no shipped formatter is called TYPE",
      "a destination's `formatter` is a shipped one", ""),
    Hint("never runs: TEXT", "luaslack passes over a file with another name", "rename it"),
    Hint(
      "not an address or network: TEXT", "each line of a list is one address or network",
      "write it like 198.51.100.7 or 198.51.100.0/24; a `#` begins a comment"),
  ]

  static let config =
    toml + keys + destinations + network + knowledge + warnings + addresses + limits

  private static let toml = [
    Hint(
      "Error while parsing value: could not determine value type",
      "a value that is a word is a text",
      "put it in quotes: `key = \"value\"`"),
    Hint(
      "Error while parsing TEXT integer: VERB is not representable in 64 bits",
      "no setting takes so large a number", "write a smaller one"),
    Hint(
      "Error while parsing decimal integer: TEXT", "this begins like a number and is none",
      "put it in quotes: `linger = \"5m\"`"),
    Hint(
      "Error while parsing boolean: TEXT", "TOML writes `true` and `false`",
      "put any other word in quotes"),
    Hint(
      "Error while parsing TEXT: unknown escape sequence VERB",
      "a backslash has a meaning of its own",
      "write '…' for a text that has some"),
    Hint(
      "Error while parsing TEXT: TYPEcontrol characters other than VERB",
      "a text has no closing quote in its line", "close it"),
    Hint(
      "Error while parsing key-value pair: cannot redefine existing TYPE 'NAME'",
      "NAME is there twice", "take one out"),
    Hint(
      "Error while parsing TEXT: cannot redefine existing TYPE 'NAME'", "[NAME] is there twice",
      "put what belongs to it under one of them"),
    Hint(
      "Error while parsing array: TEXT", "a list has no end, or a comma is missing",
      "write `[\"a\", \"b\"]`"),
    Hint("Error while parsing table header: TEXT", "the brackets are not closed", "write `[name]`"),
    Hint(
      "Error while parsing key-value pair: expected a comment or whitespace, TEXT",
      "a line sets one value", "a list is `[\"a\", \"b\"]`"),
    Hint("Error while parsing TEXT", "this is no TOML", "a line is `key = \"value\"` or `[table]`"),
  ]

  private static let keys = [
    Hint("unknown key \"NAME\" of list TEXT", "a list takes only `file`", ""),
    Hint("unknown key \"NAME\"TEXT", "no setting has that name here", ""),
    Hint(
      "NAME stands in [TEXT]; put it above the first [table]", "a table lasts to the next one", ""),
    Hint(
      "NAME belongs above the first [table]; here it is a list of that name",
      "a table lasts to the next one", ""),
    Hint(
      "NAME must be a list of strings", "a list has brackets, and quotes around each part",
      "write `NAME = [\"a\", \"b\"]`"),
    Hint("NAME must be a string or a list of strings", "", "write `NAME = [\"a\", \"b\"]`"),
    Hint("NAME must be a table", "NAME holds settings of its own", "write `[NAME]` above them"),
    Hint("unknown kind \"NAME\"TEXT", "there is no such kind of event", ""),
    Hint(
      "NAME must be a time TEXT", "a time is one number and its unit, in quotes, or seconds alone",
      ""),
    Hint("NAME is more than ten years", "nothing lasts so long here", "write a shorter time"),
    Hint("NAME is too TEXT; it goes from VERB", "", "write a time between these"),
    Hint("NAME is empty; without it TEXT", "", "name something, or take it out"),
    Hint("NAME has an empty text in its list", "it fits nothing", "take it out"),
    Hint(
      "history must be a day at least, like \"90d\"", "what was told is kept for that long", ""),
    Hint("history_events must be a number, 1000 at least", "so many events are kept", ""),
  ]

  private static let destinations = [
    Hint(
      "there must be a [destination.default]; events go there",
      "no other place is certain to exist",
      "write `[destination.default]` and `webhook_file = \"webhook\"`"),
    Hint(
      "a webhook's URL is a secret and may not stand here; TEXT",
      "everybody may read the config", "if it was there for long, make a new webhook"),
    Hint(
      "a token is a secret and may not stand here; TEXT", "everybody may read the config",
      "if it was there for long, renew the token"),
    Hint(
      "[TEXT] needs webhook_file, or token_file and channel, or smtp_to",
      "it does not say where messages go", ""),
    Hint("[TEXT] has VERB; only one of them can be", "a destination is one place", "make a second"),
    Hint("NAME goes with KEY, not with TYPE", "each kind of destination has its own settings", ""),
    Hint("token_file needs channel beside it; TEXT", "a bot can post in many channels", ""),
    Hint("channel must be TEXT", "Slack shows the ID at the end of a channel's details", ""),
    Hint("api_url TEXT", "the token is sent there", "leave it out for Slack's own"),
    Hint(
      "smtp_to must be TEXT", "mail goes to one address", "a list of people is the mail server's"),
    Hint("smtp_server must be TEXT", "it is a host, with a port or without", ""),
    Hint("rate must be like TEXT", "it says how many messages go out in a time", ""),
    Hint("burst must be a number TEXT", "so many may go out at once after a silence", ""),
    Hint("NAME must be the name of a file", "", "write `NAME = \"/etc/luaslack/webhook\"`"),
    Hint("NAME must be a name", "", "write `NAME = \"name\"`"),
    Hint("there is no [destination.NAME]TEXT", "it leads to no place of the config", ""),
    Hint(
      "fallback leads back to NAME: TEXT", "an alarm would go in circles", "let one lead elsewhere"),
    Hint("a route is written [[route]], with two brackets", "there can be several", ""),
    Hint("a route needs to = [\"name\"], where it leads", "", "name a destination"),
    Hint("no KEY is \"NAME\"TEXT", "it would never fit an event", ""),
  ]

  private static let network = [
    Hint("NAME must be NUMBERs to TEXT", "shorter fails too often, longer holds up what waits", ""),
    Hint(
      "timeout (TEXT) is shorter than connect_timeout (TYPE), which is a part of it",
      "the connection alone could take longer than all of it", "raise timeout"),
    Hint(
      "\"NAME\" is not a host, a domain or a network like TEXT",
      "no_proxy lists what is reached directly",
      ""),
    Hint("https_proxy must be like TEXT", "it is an address without path and password", ""),
    Hint(
      "a proxy that asks for a name and a password cannot be used", "everybody may read the config",
      "let the proxy know this host by its address"),
  ]

  private static let knowledge = [
    Hint(
      "\"NAME\" is not an address or network like TEXT", "luaslack looks up no names",
      "write the address"),
    Hint("unknown_users must be TEXT", "it says how names are shown that are not yours", ""),
    Hint("timezone must be TEXT", "it is named after a place", ""),
    Hint("unknown time zone \"NAME\"TEXT", "this host knows no such zone", ""),
    Hint("the name of a list must be TEXT, not \"NAME\"", "formatters say `event.lists.name`", ""),
    Hint("list NAME must hold strings", "", "put each address in quotes"),
    Hint("list NAME must be TEXT", "a list stands in a file, or in the config", ""),
    Hint("there is no list \"NAME\"TEXT", "it mutes addresses of a list that is not there", ""),
  ]

  private static let warnings = [
    Hint("warnings must be true or false; TEXT", "it switches all of them off or on", ""),
    Hint("a warning is written [[warning]], with two brackets", "there can be several", ""),
    Hint("there may be NUMBER [[warning]] at most", "each counts every ban", ""),
    Hint("a warning needs a name of TEXT", "its messages say it", "write `name = \"busy-jail\"`"),
    Hint("there is a warning \"NAME\" already", "messages tell them apart by it", "rename one"),
    Hint("bans must be a number TEXT", "so many bans are more than usual", ""),
    Hint("by must be TEXT", "it says which bans are counted together", ""),
    Hint("mention must be TEXT", "Slack shows the IDs in the menu of a profile or a group", ""),
    Hint("severity must be TEXT", "there are no others", ""),
    Hint(
      "post does not list \"warning\", TEXT", "`post` says which kinds make a message",
      "add `\"warning\"` to it"),
  ]

  private static let addresses = [
    Hint("databases must name files", "one of them is empty text", "take it out"),
    Hint(
      "databases may be NUMBER at most", "each of them is asked for each event",
      "name those that you need"),
    Hint("language must be like TEXT", "it is a name that the databases have for it", ""),
    Hint("timeout_ms must be TEXT", "messages wait that long for names at most", ""),
    Hint(
      "server must be an address like TEXT", "whom to ask for names is not itself a name", ""),
    Hint("enabled must be true or false", "", "write it without quotes"),
  ]

  private static let limits = [
    Hint("NAME must be a size TEXT", "a size is a number and its unit, in quotes", ""),
    Hint("NAME may be TEXT at most", "one event would hold up the others for too long", ""),
    Hint("NAME must be TEXT at least", "the shipped formatters would not run with less", ""),
    Hint("NAME must be a number", "it counts, and has no unit", "write `NAME = 100`"),
    Hint("NAME (TEXT) is shorter than KEY (TYPE); set VERB", "the one is a part of the other", ""),
  ]
}
