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
local find, format, gsub, match, sub = string.find, string.format, string.gsub, string.match, string.sub
local gmatch, concat, pack, length_of = string.gmatch, table.concat, table.pack, utf8.len
local pairs, ipairs, type, tostring, tonumber, rawget = pairs, ipairs, type, tostring, tonumber, rawget
local to_integer, number_type, os_date = math.tointeger, math.type, os.date

local OPEN, SEPARATOR, CLOSE = "\u{E000}", "\u{E001}", "\u{E002}"

slack, ip = { null = host.null }, {}

-- == Checking arguments: `what` says which one, as in "slack.link: url".

-- A string; numbers will do.
local function text_of(value, what)
  if type(value) == "string" then return value end
  if number_type(value) then return tostring(value) end
  fail(format("%s must be text, not %s", what, type(value)))
end

local function text_or(value, what, otherwise)
  return value == nil and otherwise or text_of(value, what)
end

local function table_of(value, what)
  if type(value) ~= "table" then fail(format("%s must be a table, not %s", what, type(value))) end
  return value
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

local function web_address(value, what)
  local url = text_of(value, what)
  if not (find(url, "^https?://[^%s]+$") or find(url, "^mailto:[^%s]+$")) then
    fail(format("%s must begin with https://, http:// or mailto: and have no spaces", what))
  end
  return url
end

-- Refuses the keys that a table argument cannot have: they are mostly misspelt.
local function check_keys(value, what, known)
  for key in pairs(table_of(value, what)) do
    if not find(known, " " .. tostring(key) .. " ", 1, true) then
      fail(format("%s has the unknown key '%s'; known:%s", what, tostring(key), sub(known, 1, -2)))
    end
  end
  return value
end

-- == Live markup

local function mark(kind, ...)
  local parts = pack(kind, ...)
  for i = 1, parts.n do parts[i] = gsub(parts[i], "\xEE\x80[\x80-\x82]", "") end
  return OPEN .. concat(parts, SEPARATOR) .. CLOSE
end

-- slack.link("https://example.org", "the dashboard"): a link, shown as its label if it has one.
function slack.link(url, label)
  return mark("link", web_address(url, "slack.link: url"),
    text_or(label, "slack.link: label", ""))
end

local function identifier(kind, id, pattern, problem)
  local name = text_of(id, "slack." .. kind .. ": the ID")
  if not find(name, pattern) then fail(format("slack.%s: '%s' is not %s", kind, name, problem)) end
  return name
end

-- slack.mention("here"), or "channel", "everyone", or a member's ID such as "U012AB3CD".
function slack.mention(who)
  if who == "here" or who == "channel" or who == "everyone" then return mark("mention", who) end
  return mark("mention", identifier("mention", who, "^[UW][A-Z0-9]+$",
    "here, channel, everyone or a member ID (U…)"))
end

-- slack.user_group("S012AB3CD"), slack.channel_link("C012AB3CD")
function slack.user_group(id)
  return mark("user_group", identifier("user_group", id, "^S[A-Z0-9]+$", "a user group's ID (S…)"))
end

function slack.channel_link(id)
  return mark("channel", identifier("channel_link", id, "^[CG][A-Z0-9]+$", "a channel's ID (C…)"))
end

-- slack.date(event.time): shown in each reader's own time zone. The format is Slack's, such as
-- "{date_short_pretty} {time}"; the fallback is for programs that cannot show dates.
function slack.date(time, layout, fallback)
  local number = tonumber(time)
  local seconds = number and to_integer(number // 1)
  if not seconds or seconds < -1e12 or seconds > 1e12 then fail("slack.date: time must be seconds since 1970, such as event.time") end
  return mark("date", format("%d", seconds),
    text_or(layout, "slack.date: format", "{date_short_pretty} {time_secs}"),
    text_or(fallback, "slack.date: fallback", os_date("!%Y-%m-%d %H:%M:%S UTC", seconds)))
end

-- slack.raw("<https://example.org|x>"): Slack's own markup, sent as it is. Never give it anything that
-- an attacker may have written: user names, log lines, host names.
function slack.raw(text) return mark("raw", text_of(text, "slack.raw: text")) end

-- == Text

-- slack.code(event.ip): `203.0.113.7`. Nothing in the text can end the span.
function slack.code(text)
  local line = gsub(gsub(text_of(text, "slack.code: text"), "`", "'"), "[\r\n]+", " ")
  return "`" .. (line == "" and " " or line) .. "`"
end

-- slack.pre(event.matches): a block of lines. Nothing in the text can end the block.
function slack.pre(text)
  local lines = gsub(gsub(text_of(text, "slack.pre: text"), "```", "'''"), "^\n+", "")
  -- Not gsub(lines, "%s+$", ""): a long run of spaces would take quadratic time.
  local last = #lines
  while last > 0 and find(lines, "^%s", last) do last = last - 1 end
  return "```\n" .. sub(lines, 1, last) .. "\n```"
end

-- What a reader sees of a marked group, for counting: a link's label, a date's fallback.
local function width_of(group)
  local seen = match(group, ".*\u{E001}(.*)\u{E002}$") or ""
  if seen == "" then seen = match(group, "\u{E001}(.-)\u{E001}") or "" end
  return length_of(seen) or #seen
end

-- The next piece from `at`: a whole marked group or one character; its width and its last byte.
local function piece_at(text, at)
  if sub(text, at, at + 2) == OPEN then
    local _, last = find(text, CLOSE, at, true)
    if last then return width_of(sub(text, at, last)), last end
  end
  local _, last = find(text, "^[^\x80-\xBF][\x80-\xBF]*", at)
  return 1, last or at
end

-- slack.truncate(event.matches, 300): at most so many characters, the ellipsis ("…") among them. What
-- is marked stays whole or goes.
function slack.truncate(text, most, ellipsis)
  local whole = text_of(text, "slack.truncate: text")
  local limit = to_integer(most)
  if not limit or limit < 0 then fail("slack.truncate: max_chars must be a whole number, not negative") end
  if (length_of(whole) or math.huge) <= limit then return whole end
  local ending = text_or(ellipsis, "slack.truncate: ellipsis", "…")
  local room = limit - (length_of(ending) or #ending)
  local used, at, cut = 0, 1, 0
  while at <= #whole do
    local width, last = piece_at(whole, at)
    used, at = used + width, last + 1
    if used <= room then cut = last end
    if used > limit then return room < 0 and "" or sub(whole, 1, cut) .. ending end
  end
  return whole
end

-- == Blocks: https://docs.slack.dev/reference/block-kit/blocks

local function plain_text(text, what)
  return { type = "plain_text", text = text_of(text, what), emoji = true }
end

-- Text becomes a text object; one that already is stays.
local function text_object(value, what)
  if type(value) ~= "table" then return { type = "mrkdwn", text = text_of(value, what) } end
  return rawget(value, "type") and value or fail(what .. " must be text or a block element")
end

-- f(a, b, …) or f({ a, b, … }) as a list of text objects.
local function text_objects(what, first, ...)
  local given, result = pack(first, ...), host.array({})
  local is_list = given.n == 1 and type(first) == "table" and rawget(first, "type") == nil
  if is_list then given = list_of(first, what) end
  for i = 1, given.n or #given do result[i] = text_object(given[i], format("%s[%d]", what, i)) end
  return result
end

-- slack.array{}: a list even when it is empty; a plain {} would be sent as an empty object.
function slack.array(list)
  return host.array(list == nil and {} or table_of(list, "slack.array: list"))
end

function slack.header(text) return { type = "header", text = plain_text(text, "slack.header: text") } end
function slack.divider() return { type = "divider" } end

-- slack.section("text"), or slack.section{ text = …, fields = { … }, accessory = slack.image(…) }
function slack.section(content)
  if type(content) ~= "table" or rawget(content, "type") ~= nil then content = { text = content } end
  check_keys(content, "slack.section", " text fields accessory ")
  local text, fields, accessory = content.text, content.fields, content.accessory
  if text == nil and fields == nil then fail("slack.section needs text or fields") end
  if accessory ~= nil then table_of(accessory, "slack.section: accessory") end
  -- A link button comes in a block of its own; here only the button is wanted.
  if accessory and accessory.type == "actions" then accessory = accessory.elements[1] end
  if text ~= nil then text = text_object(text, "slack.section: text") end
  if fields ~= nil then fields = text_objects("slack.section: fields", fields) end
  return { type = "section", text = text, fields = fields, accessory = accessory }
end

-- slack.fields("*Jail*\nsshd", "*Failures*\n5"): two columns.
function slack.fields(...) return { type = "section", fields = text_objects("slack.fields", ...) } end

-- slack.context("small grey text", slack.image(…), …)
function slack.context(...) return { type = "context", elements = text_objects("slack.context", ...) } end

function slack.image(url, alt, title)
  return {
    type = "image", image_url = web_address(url, "slack.image: url"),
    alt_text = text_of(alt, "slack.image: alt"),
    title = title ~= nil and plain_text(title, "slack.image: title") or nil,
  }
end

-- slack.link_button("Open the dashboard", "https://…", "primary"): the style may be primary or danger.
function slack.link_button(text, url, style)
  if style ~= nil and style ~= "primary" and style ~= "danger" then
    fail('slack.link_button: style must be "primary", "danger" or left out')
  end
  return { type = "actions", elements = { {
    type = "button", text = plain_text(text, "slack.link_button: text"),
    url = web_address(url, "slack.link_button: url"), style = style,
  } } }
end

-- == Messages

-- One line of a legacy attachment's table; `short` puts two beside each other.
function slack.field(title, value, short)
  return { title = text_of(title, "slack.field: title"), value = text_of(value, "slack.field: value"),
    short = short and true or false }
end

-- Checks the table of a message or attachment: its keys, its text, its lists of tables.
local function check_parts(content, what, known, ...)
  check_keys(content, what, known)
  if content.text ~= nil then content.text = text_of(content.text, what .. ": text") end
  for _, key in ipairs({ ... }) do
    for i, part in ipairs(content[key] ~= nil and list_of(content[key], what .. ": " .. key) or {}) do
      table_of(part, format("%s: %s[%d]", what, key, i))
    end
  end
  return content
end

-- slack.attachment{ color = "#d64545", text = …, blocks = { … } }: what has a coloured bar.
function slack.attachment(content)
  return check_parts(content, "slack.attachment",
    " color text blocks fields title title_link fallback pretext author_name author_link author_icon "
    .. "image_url thumb_url footer footer_icon ts mrkdwn_in ", "blocks", "fields")
end

-- slack.message{ text = …, blocks = { … }, attachments = { … } }: `text` is what a phone notifies with.
function slack.message(content)
  return check_parts(content, "slack.message",
    " text blocks attachments username icon_emoji icon_url ", "blocks", "attachments")
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
    if tonumber(part) > 255 or find(part, "^0%d") then return nil end
    value = value << 8 | to_integer(part)
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

local function parse_network(text)
  local address, bits = match(text, "^([^/%%]+)%%?[^/]*(.*)$")
  local value = address and parse_ipv4(address)
  local high, low, first = 0, value and (0xFFFF << 32 | value), 96
  if address and not value then
    high, low = parse_ipv6(address)
    first = 0
  end
  if not low then return nil end
  local prefix = first + (bits == "" and 128 - first or tonumber(match(bits, "^/(%d%d?%d?)$") or "999"))
  if prefix > 128 then return nil end
  local is_ipv4 = high == 0 and low >> 32 == 0xFFFF and prefix >= 96
  return { version = is_ipv4 and 4 or 6, high = high, low = low, bits = to_integer(prefix) }
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
  return network(text) or fail(format("ip.within: %s is not an address or network: %s", what,
    type(text) == "string" and "'" .. text .. "'" or type(text)))
end

-- ip.within(event.ip, "198.51.100.0/24", "2001:db8::/32", event.lists.scanners): true if one of them
-- holds the address; one that is itself a network must lie inside as a whole. Not an address: false.
function ip.within(address, ...)
  local inner, networks = network(address), pack(...)
  for i = 1, networks.n do
    local value, what = networks[i], "network " .. i
    local list = type(value) == "table" and list_of(value, "ip.within: " .. what)
    for j = 1, list and #list or 1 do
      if contains(network_of(list and list[j] or value, what), inner) then return true end
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

for _, library in ipairs({ slack, ip }) do
  for name, value in pairs(library) do
    if type(value) == "function" then library[name] = host.public(value) end
  end
end
