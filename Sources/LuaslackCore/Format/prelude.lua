-- What formatters find in `slack` and `ip`. It runs in the sandbox before every formatter.
--
-- A formatter deals in plain text: it never escapes & < > itself, luaslack does that when it sends.
-- So nothing in a log line can become a link or a mention. What shall be live is marked by the
-- functions below with private-use characters, which text from outside cannot contain:
--   U+E000 kind U+E001 argument U+E001 argument U+E002
--
-- `host` holds what only the sandbox can do:
--   fail(message)            an error at the line of the formatter, however deep we are in here
--   public(f)                f, called so that this line is known even for `return slack.mute()`
--   array(t), null           how an empty list and a null are told from an empty object and nothing
--   verdict(status, reason)  what slack.mute and slack.digest return
local host = ...
local fail = host.fail

-- Taken here, so that a formatter that changes its own `string` breaks only itself.
local byte, find, format, gmatch = string.byte, string.find, string.format, string.gmatch
local gsub, match, sub, length_of = string.gsub, string.match, string.sub, utf8.len
local concat, pack, to_integer, number_type = table.concat, table.pack, math.tointeger, math.type
local pairs, ipairs, select, type, tostring = pairs, ipairs, select, type, tostring
local tonumber, os_date = tonumber, os.date

slack, ip = { null = host.null }, {}

-- == Text in pieces

local OPEN, SEPARATOR, CLOSE = "\u{E000}", "\u{E001}", "\u{E002}"
local GROUP, ANY_MARK = OPEN .. ".-" .. CLOSE, "\xEE\x80[\x80-\x82]"

-- What a reader sees of a marked group: a link's label, a date's fallback.
local function words_of(group)
  local seen = match(group, ".*\u{E001}(.*)\u{E002}$") or ""
  return seen ~= "" and seen or match(group, "\u{E001}(.-)\u{E001}") or ""
end

local function mark(kind, ...)
  local parts = pack(kind, ...)
  for i = 1, parts.n do parts[i] = gsub(gsub(parts[i], GROUP, words_of), ANY_MARK, "") end
  return OPEN .. concat(parts, SEPARATOR) .. CLOSE
end

-- The text with `change` made to all of it but the marked groups.
local function outside_marks(text, change)
  local parts, at = {}, 1
  repeat
    local first, last = find(text, GROUP, at)
    local plain = sub(text, at, (first or 0) - 1)
    if plain ~= "" then parts[#parts + 1] = change(plain) end
    parts[#parts + 1] = first and sub(text, first, last)
    at = (last or 0) + 1
  until not first
  return concat(parts)
end

-- The last byte of the piece at `at`, which nothing may cut: a marked group, the fence of a block
-- of code, or a character with the accents that combine with it.
local function end_of_piece(text, at)
  local _, last
  if sub(text, at, at + 2) == OPEN then _, last = find(text, CLOSE, at, true) end
  if not last then _, last = find(text, "^```", at) end
  if last then return last end
  _, last = find(text, "^[^\x80-\xBF][\x80-\xBF]*", at)
  local more = last or at
  repeat
    last = more
    _, more = find(text, "^[\xCC\xCD][\x80-\xBF]", last + 1)
  until not more
  return last
end

-- How long a piece is to a reader, and to Slack, which counts what was escaped.
local function length_seen(piece)
  local seen = sub(piece, 1, 3) == OPEN and words_of(piece) or piece
  return length_of(seen) or #seen
end

local function length_sent(piece)
  local _, escaped = gsub(piece, "[&<>]", "")
  return (length_of(piece) or #piece) + 4 * escaped
end

-- What ends the code that was begun in the text and not ended.
local function end_of_code(text)
  local rest, fences = gsub(text, "```", "")
  local _, ticks = gsub(rest, "`", "")
  return fences % 2 == 1 and "\n```" or ticks % 2 == 1 and "`" or ""
end

-- The text if it is no longer than `limit`, else its beginning and `ending`.
local function cut(text, limit, ending, length)
  local room = limit - length(ending) - (find(text, "`", 1, true) and 4 or 0)
  local used, at, kept = 0, 1, 0
  while at <= #text do
    local last = end_of_piece(text, at)
    used, at = used + length(sub(text, at, last)), last + 1
    if used <= room then kept = last end
    if used > limit then
      local beginning = sub(text, 1, kept)
      return room < 0 and "" or beginning .. ending .. end_of_code(beginning)
    end
  end
  return text
end

-- Without the white space at its end. Not gsub(text, "%s+$", ""): a long run of spaces would take
-- quadratic time.
local function trimmed(text)
  local last = #text
  while last > 0 and find(text, "^%s", last) do last = last - 1 end
  return sub(text, 1, last)
end

-- == Checking arguments: `what` says which one, as in "slack.link: url".

-- Fails; shows the value if it is short enough to be of use.
local function refuse(what, expected, value)
  local shown = type(value)
  if shown == "string" then shown = "'" .. cut(value, 40, "…", length_seen) .. "'" end
  if shown == "number" or shown == "boolean" then shown = tostring(value) end
  if value == host.null then shown = "slack.null" end
  fail(format("%s must be %s, not %s", what, expected, shown))
end

-- A string; numbers will do.
local function text_of(value, what, expected)
  if type(value) == "string" then return value end
  return number_type(value) and tostring(value) or refuse(what, expected or "text", value)
end

local function text_or(value, what, otherwise)
  if value == nil then return otherwise end
  return text_of(value, what)
end

local function boolean_of(value, what)
  return type(value) == "boolean" and value or value and refuse(what, "true or false", value)
end

local function whole_number(value, what)
  return to_integer(tonumber(value)) or refuse(what, "a whole number", value)
end

-- Whole seconds; nil for text that is no number, which event.time and event.bantime may be.
local function seconds_of(value, what)
  local number = tonumber(text_of(value, what, "a number"))
  return number and to_integer(number // 1)
end

local function table_of(value, what)
  return type(value) == "table" and value or refuse(what, "a table", value)
end

-- A list: 1..n and nothing else.
local function list_of(value, what)
  for key in pairs(table_of(value, what)) do
    if not number_type(key) then
      fail(format("%s must be a list { a, b, … }; it has the key %s", what, tostring(key)))
    end
  end
  return value
end

local function tables_of(value, what)
  for i, part in ipairs(list_of(value, what)) do table_of(part, format("%s[%d]", what, i)) end
  return value
end

local function web_address(value, what)
  local url = text_of(value, what)
  if find(url, "^https?://%S+$") or find(url, "^mailto:%S+$") then return url end
  refuse(what, "an address with https://, http:// or mailto: and no spaces", url)
end

local function image_address(value, what)
  local url = text_of(value, what)
  return find(url, "^https?://%S+$") and url or refuse(what, "an https:// address", url)
end

local function colour_of(value, what)
  local colour = text_of(value, what)
  local is_word = colour == "good" or colour == "warning" or colour == "danger"
  if is_word or find(colour, "^#%x%x%x%x%x%x$") then return colour end
  refuse(what, '"#rrggbb", "good", "warning" or "danger"', colour)
end

-- A copy of a table argument; `checks` has a function for each key that it may have.
local function parts_of(value, what, checks)
  local parts = {}
  for key, part in pairs(table_of(value, what)) do
    if not checks[key] then
      local known = {}
      for name in pairs(checks) do known[#known + 1] = name end
      fail(format("%s has the unknown key '%s'; known: %s", what, tostring(key),
        concat(known, ", ")))
    end
    parts[key] = checks[key](part, what .. ": " .. key)
  end
  return parts
end

-- == Live markup, and text that cannot become any

-- slack.code(event.ip): `203.0.113.7`. Nothing in the text can end the span.
local function code(text)
  local line = gsub(gsub(text_of(text, "slack.code: text"), "`", "'"), "[\r\n]+", " ")
  return "`" .. (line == "" and " " or line) .. "`"
end
slack.code = code

-- slack.link("https://example.org", "the dashboard"): a link, shown as its label if it has one.
function slack.link(url, label)
  local shown = text_or(label, "slack.link: label", "")
  return mark("link", web_address(url, "slack.link: url"), find(shown, "%S") and shown or "")
end

-- slack.url_part(event.user): as a part of an address, where a space is %20.
function slack.url_part(text)
  return (gsub(text_of(text, "slack.url_part: text"), "[^%w._~-]", function(character)
    return format("%%%02X", byte(character))
  end))
end

local function identifier(value, what, pattern, expected)
  local id = text_of(value, what)
  return find(id, pattern) and id or refuse(what, expected, id)
end

-- slack.mention("here"), or "channel", "everyone", or a member's ID such as "U012AB3CD".
function slack.mention(who)
  if who == "here" or who == "channel" or who == "everyone" then return mark("mention", who) end
  return mark("mention", identifier(who, "slack.mention: who", "^[UW][A-Z0-9]+$",
    "here, channel, everyone or a member's ID (U…)"))
end

-- slack.user_group("S012AB3CD"), slack.channel_link("C012AB3CD")
function slack.user_group(id)
  return mark("user_group", identifier(id, "slack.user_group: id", "^S[A-Z0-9]+$",
    "a user group's ID (S…)"))
end

function slack.channel_link(id)
  return mark("channel", identifier(id, "slack.channel_link: id", "^[CG][A-Z0-9]+$",
    "a channel's ID (C…)"))
end

-- slack.date(event.time): shown in each reader's own time zone. The layout is Slack's, such as
-- "{date_short_pretty} {time}"; the fallback is for programs that cannot show dates. What is no
-- date is shown as code.
function slack.date(time, layout, fallback)
  local seconds = seconds_of(time, "slack.date: time")
  local shape = text_or(layout, "slack.date: layout", "{date_short_pretty} {time_secs}")
  local otherwise = text_or(fallback, "slack.date: fallback", nil)
  if not seconds or seconds < -1e11 or seconds > 1e11 then return code(time) end
  otherwise = otherwise or os_date("!%Y-%m-%d %H:%M:%S UTC", seconds)
  return mark("date", format("%d", seconds), shape, otherwise)
end

-- slack.raw("<https://example.org|x>"): Slack's own markup, sent as it is. What an attacker may
-- have written (user names, log lines, host names) stands in it only through slack.escape.
function slack.raw(text)
  return outside_marks(text_of(text, "slack.raw: text"), function(plain)
    return mark("raw", plain)
  end)
end

-- slack.raw("<https://example.org|" .. slack.escape(name) .. ">"): text inside of slack.raw.
-- Anywhere else it changes nothing, since all text is escaped there.
function slack.escape(text) return mark("text", text_of(text, "slack.escape: text")) end

-- == Text

-- slack.pre(event.matches): a block of lines. Nothing in the text can end the block.
function slack.pre(text)
  local lines = gsub(gsub(text_of(text, "slack.pre: text"), "```", "'''"), "^\n+", "")
  return "```\n" .. trimmed(lines) .. "\n```"
end

-- slack.bold(event.jail): *sshd*, on one line; an asterisk in the text cannot end it.
function slack.bold(text)
  local line = gsub(gsub(text_of(text, "slack.bold: text"), "[\r\n]+", " "), "^ +", "")
  local inner = outside_marks(trimmed(line), function(plain) return (gsub(plain, "%*", "∗")) end)
  return inner == "" and "" or "*" .. inner .. "*"
end

-- slack.truncate(event.matches, 300): at most so many characters, the ellipsis ("…") among them.
-- What is marked stays whole or goes; code that is cut is ended.
function slack.truncate(text, most, ellipsis)
  local whole = text_of(text, "slack.truncate: text")
  local limit = whole_number(most, "slack.truncate: most")
  local ending = text_or(ellipsis, "slack.truncate: ellipsis", "…")
  if limit < 0 then refuse("slack.truncate: most", "0 or more", limit) end
  return cut(whole, limit, ending, length_seen)
end

-- slack.plural(event.failures, "failure"): "1 failure", "5 failures"; a third argument is the plural
-- where that is not the word with an s.
local function plural(count, one, many)
  local number = text_of(count, "slack.plural: count", "a number")
  local single = text_of(one, "slack.plural: one")
  local several = text_or(many, "slack.plural: many", single .. "s")
  return number .. " " .. (tonumber(number) == 1 and single or several)
end
slack.plural = plural

-- slack.duration(event.bantime): "10 minutes", "1 hour 30 minutes", "for good" if it is negative.
-- What is no number stays as it is.
function slack.duration(seconds)
  local left, result = seconds_of(seconds, "slack.duration: seconds"), nil
  if not left then return text_of(seconds) end
  if left < 0 then return "for good" end
  local units = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 } }
  for _, unit in ipairs(units) do
    local count = left // unit[2]
    left = left % unit[2]
    local words = count > 0 and plural(count, unit[1])
    if result then return words and result .. " " .. words or result end
    result = words or nil
  end
  return result or "0 seconds"
end

-- == Blocks: https://docs.slack.dev/reference/block-kit/blocks. Slack refuses a message with a text
-- that is empty or too long, so these are a dash or cut.

local function plain_text(value, what, most)
  local text = text_of(value, what)
  return { type = "plain_text", emoji = true,
    text = find(text, "%S") and cut(text, most, "…", length_seen) or "-" }
end

-- Text becomes a text object; one that already is stays.
local function text_object(value, what, most)
  if type(value) == "table" then
    local is_text = value.type == "mrkdwn" or value.type == "plain_text"
    return is_text and value or refuse(what, "text", value)
  end
  local text = text_of(value, what)
  return { type = "mrkdwn", text = find(text, "%S") and cut(text, most, "…", length_sent) or "-" }
end

-- An image or a button where only the element is wanted, not the block that it came in.
local function element(value, what)
  local kind = table_of(value, what).type
  if kind == "actions" then return value.elements[1] end
  if kind ~= "image" then return kind and value or refuse(what, "an image or a button", value) end
  return { type = "image", image_url = value.image_url, alt_text = value.alt_text }
end

local function section_text(value, what) return text_object(value, what, 3000) end
local function column(value, what) return text_object(value, what, 2000) end
local function small_part(value, what)
  local is_image = type(value) == "table" and value.type == "image"
  return is_image and element(value, what) or text_object(value, what, 3000)
end

-- f(a, b, …) or f({ a, b, … }), each through `part_of`; Slack takes ten.
local function up_to_ten(what, part_of, ...)
  local list, count, result = { ... }, select("#", ...), host.array({})
  if count == 1 and type(list[1]) == "table" and list[1].type == nil then
    list = list_of(list[1], what)
    count = #list
  end
  if count < 1 or count > 10 then fail(format("%s takes 1 to 10 texts, not %d", what, count)) end
  for i = 1, count do result[i] = part_of(list[i], format("%s[%d]", what, i)) end
  return result
end

local function columns(list, what) return up_to_ten(what, column, table_of(list, what)) end

-- slack.array{}: a list even when it is empty; a plain {} would be sent as an empty object.
function slack.array(list)
  return host.array(list == nil and {} or list_of(list, "slack.array: list"))
end

function slack.header(text)
  return { type = "header", text = plain_text(text, "slack.header: text", 150) }
end

function slack.divider() return { type = "divider" } end

-- slack.section("text"), or slack.section{ text = …, fields = { … }, accessory = slack.image(…) }
function slack.section(content)
  if type(content) ~= "table" or content.type ~= nil then content = { text = content } end
  local block = parts_of(content, "slack.section",
    { text = section_text, fields = columns, accessory = element })
  if not block.text and not block.fields then fail("slack.section needs text or fields") end
  block.type = "section"
  return block
end

-- slack.fields("*Jail*\nsshd", "*Failures*\n5"): two columns.
function slack.fields(...)
  return { type = "section", fields = up_to_ten("slack.fields", column, ...) }
end

-- slack.context("small grey text", slack.image(…), …)
function slack.context(...)
  return { type = "context", elements = up_to_ten("slack.context", small_part, ...) }
end

-- slack.image("https://…", "what is seen on it", "a title")
function slack.image(url, alt, title)
  return {
    type = "image", image_url = image_address(url, "slack.image: url"),
    alt_text = plain_text(alt, "slack.image: alt", 2000).text,
    title = title ~= nil and plain_text(title, "slack.image: title", 2000) or nil,
  }
end

-- slack.link_button("Open the dashboard", "https://…", "primary"): the style is primary or danger.
function slack.link_button(text, url, style)
  if style ~= nil and style ~= "primary" and style ~= "danger" then
    refuse("slack.link_button: style", '"primary", "danger" or left out', style)
  end
  return { type = "actions", elements = { {
    type = "button", text = plain_text(text, "slack.link_button: text", 75),
    url = web_address(url, "slack.link_button: url"), style = style,
  } } }
end

-- == Messages

-- slack.field("User", event.user, true): a line of an attachment's table; short ones in pairs.
function slack.field(title, value, short)
  return {
    title = text_of(title, "slack.field: title"), value = text_of(value, "slack.field: value"),
    short = boolean_of(short, "slack.field: short") or false,
  }
end

-- slack.attachment{ color = "#d64545", text = …, blocks = { … } }: what has a coloured bar.
function slack.attachment(content)
  return parts_of(content, "slack.attachment", {
    color = colour_of, text = text_of, blocks = tables_of, fields = tables_of, title = text_of,
    title_link = web_address, fallback = text_of, pretext = text_of, author_name = text_of,
    author_link = web_address, author_icon = image_address, image_url = image_address,
    thumb_url = image_address, footer = text_of, footer_icon = image_address, ts = seconds_of,
    mrkdwn_in = list_of,
  })
end

-- slack.message{ text = …, blocks = { … }, attachments = { … } }: a phone notifies with `text`.
function slack.message(content)
  return parts_of(content, "slack.message", {
    text = text_of, blocks = tables_of, attachments = tables_of, username = text_of,
    icon_emoji = text_of, icon_url = image_address, mrkdwn = boolean_of,
  })
end

-- return slack.mute("known scanner"): no message for this event; it is counted and can be traced.
function slack.mute(reason)
  return host.verdict("muted", text_or(reason, "slack.mute: reason", ""))
end

-- return slack.digest(): no message of its own, only a line in the next digest.
function slack.digest() return host.verdict("digest") end

-- == Addresses. One is { version, high and low 64 bits, how many of the 128 bits count }; IPv4 sits at
-- ::ffff:0:0/96, so that an IPv4 address written as IPv6 is the same address.

local function parse_ipv4(text)
  local parts, value = { match(text, "^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$") }, 0
  for _, part in ipairs(parts) do
    -- 010 is eight to some programs and ten to others: to us it is no address.
    local number = tonumber(part)
    if number > 255 or find(part, "^0%d") then return nil end
    value = value << 8 | number
  end
  return #parts == 4 and value or nil
end

-- The 16-bit groups of one side of "::"; nil if one is malformed.
local function parse_groups(text, groups)
  if text == "" then return groups end
  for part in gmatch(text .. ":", "([^:]*):") do
    if not find(part, "^%x%x?%x?%x?$") then return nil end
    groups[#groups + 1] = tonumber(part, 16)
  end
  return groups
end

local function parse_ipv6(text)
  local start, tail = match(text, "^(.*:)(%d+%.%d+%.%d+%.%d+)$")
  local value = tail and parse_ipv4(tail)
  if value then text = start .. format("%x:%x", value >> 16, value & 0xFFFF) end
  local left, right = match(text, "^(.-)::(.*)$")
  local groups = parse_groups(left or text, {})
  local after = parse_groups(right or "", {})
  if not groups or not after then return nil end
  if left then
    if #groups + #after > 7 then return nil end
    for _ = 1, 8 - #groups - #after do groups[#groups + 1] = 0 end
    for _, group in ipairs(after) do groups[#groups + 1] = group end
  end
  if #groups ~= 8 then return nil end
  return groups[1] << 48 | groups[2] << 32 | groups[3] << 16 | groups[4],
    groups[5] << 48 | groups[6] << 32 | groups[7] << 16 | groups[8]
end

-- An interface's name (fe80::1%eth0) is passed over; it is short and plain, or this is no address:
-- what is one may be shown as it stands.
local function parse_network(text)
  local address, zone, bits = match(text, "^([%x:.]+)([^/]*)(.*)$")
  if not address or #text > 80 then return nil end
  if zone ~= "" and not find(zone, "^%%[%w.-]+$") then return nil end
  local value = zone == "" and parse_ipv4(address)
  local high, low, first = 0, value and (0xFFFF << 32 | value), 96
  if not value then
    high, low = parse_ipv6(address)
    first = 0
  end
  if not low then return nil end
  local length = bits == "" and 128 - first or tonumber(match(bits, "^/(%d%d?%d?)$"))
  local prefix = first + (length or 999)
  if prefix > 128 then return nil end
  local is_ipv4 = high == 0 and low >> 32 == 0xFFFF and prefix >= 96
  return { version = is_ipv4 and 4 or 6, high = high, low = low, bits = prefix }
end

-- Lists are tested against many times; each text is parsed once. `false`: no address.
local parsed = {}
local function network(text)
  if type(text) ~= "string" then return false end
  if parsed[text] == nil then parsed[text] = parse_network(text) or false end
  return parsed[text]
end

-- The first `bits` of 64: -1 >> 64 and more is 0 in Lua.
local function top(value, bits) return bits > 0 and value & ~(-1 >> bits) or 0 end

local function contains(outer, inner)
  local bits = outer.bits
  return inner and outer.version == inner.version and bits <= inner.bits
    and top(outer.high, bits) == top(inner.high, bits)
    and top(outer.low, bits - 64) == top(inner.low, bits - 64)
end

local function network_of(text, what)
  return network(text) or refuse(what, "an address or network such as 198.51.100.0/24", text)
end

-- ip.within(event.ip, "198.51.100.0/24", "2001:db8::/32", event.lists.scanners): true if one of them
-- holds the address; one that is itself a network must lie inside as a whole. Not an address: false.
-- `false`, which is what a list has that does not hold the event's address, counts as no network.
function ip.within(address, ...)
  local inner, networks = network(address), pack(...)
  for i = 1, networks.n do
    local value, what = networks[i], "ip.within: network " .. i
    local list = value == false and {} or type(value) == "table" and list_of(value, what)
    for j = 1, list and #list or 1 do
      local outer = network_of(list and list[j] or value, what)
      if contains(outer, inner) then return true end
    end
  end
  return false
end

-- ip.version(event.ip): 4, 6, or nil for what is no address.
function ip.version(address) return (network(address) or {}).version end

local private = {
  "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
  "fc00::/7", "fe80::/10", "::1",
}

-- ip.is_private(event.ip): an address that no one else on the Internet can have.
function ip.is_private(address)
  local inner = network(address)
  for _, text in ipairs(private) do
    if contains(network(text), inner) then return true end
  end
  return false
end

-- A function that does not exist is named, where Lua would only say that it called a nil value.
for name, library in pairs({ slack = slack, ip = ip }) do
  setmetatable(library, { __index = function(_, key)
    local known = {}
    for each in pairs(library) do known[#known + 1] = each end
    fail(format("there is no %s.%s; there are: %s", name, tostring(key), concat(known, " ")))
  end })
end

for _, library in ipairs({ slack, ip }) do
  for name, value in pairs(library) do
    if type(value) == "function" then library[name] = host.public(value) end
  end
end
