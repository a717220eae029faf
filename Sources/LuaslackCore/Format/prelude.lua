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
local concat, pack, length_of = table.concat, table.pack, utf8.len
local pairs, ipairs, type, tostring, tonumber, rawget = pairs, ipairs, type, tostring, tonumber, rawget
local to_integer, os_date = math.tointeger, os.date

local OPEN, SEPARATOR, CLOSE = "\u{E000}", "\u{E001}", "\u{E002}"

slack, ip = { null = host.null, array = host.array }, {}

---------------------------------------------------------------------------------------------------
-- Checking arguments: `what` says which one, as in "slack.link: url".

-- A string; numbers will do.
local function text_of(value, what)
  if type(value) == "string" then return value end
  if math.type(value) then return tostring(value) end
  fail(format("%s must be text, not %s", what, type(value)))
end

local function optional_text(value, what)
  if value ~= nil then return text_of(value, what) end
end

local function table_of(value, what)
  if type(value) ~= "table" then fail(format("%s must be a table, not %s", what, type(value))) end
  return value
end

-- A list: 1..n and nothing else.
local function list_of(value, what)
  table_of(value, what)
  for key in pairs(value) do
    if not math.type(key) then
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

---------------------------------------------------------------------------------------------------
-- Live markup

local function mark(kind, ...)
  local parts = pack(kind, ...)
  for i = 1, parts.n do parts[i] = gsub(parts[i], "\u{E000}", ""):gsub("\u{E001}", ""):gsub("\u{E002}", "") end
  return OPEN .. concat(parts, SEPARATOR) .. CLOSE
end

-- slack.link("https://example.org", "the dashboard"): a link, shown as its label if it has one.
function slack.link(url, label)
  return mark("link", web_address(url, "slack.link: url"),
    optional_text(label, "slack.link: label") or "")
end

-- slack.mention("here"), or "channel", "everyone", or a member's ID such as "U012AB3CD".
function slack.mention(who)
  local name = text_of(who, "slack.mention: who")
  if name ~= "here" and name ~= "channel" and name ~= "everyone"
    and not find(name, "^[UW][A-Z0-9]+$") then
    fail(format("slack.mention: '%s' is not here, channel, everyone or a member ID (U…)", name))
  end
  return mark("mention", name)
end

-- slack.user_group("S012AB3CD")
function slack.user_group(id)
  local name = text_of(id, "slack.user_group: id")
  if not find(name, "^S[A-Z0-9]+$") then
    fail(format("slack.user_group: '%s' is not a user group's ID (S…)", name))
  end
  return mark("user_group", name)
end

-- slack.channel_link("C012AB3CD")
function slack.channel_link(id)
  local name = text_of(id, "slack.channel_link: id")
  if not find(name, "^[CG][A-Z0-9]+$") then
    fail(format("slack.channel_link: '%s' is not a channel's ID (C…)", name))
  end
  return mark("channel", name)
end

-- slack.date(event.time): shown in each reader's own time zone. The format is Slack's, such as
-- "{date_short_pretty} {time}"; the fallback is for programs that cannot show dates.
function slack.date(time, layout, fallback)
  local number = tonumber(time)
  local seconds = number and number == number and to_integer(number // 1)
  if not seconds then fail("slack.date: time must be seconds since 1970, such as event.time") end
  return mark("date", format("%d", seconds),
    optional_text(layout, "slack.date: format") or "{date_short_pretty} {time_secs}",
    optional_text(fallback, "slack.date: fallback") or os_date("!%Y-%m-%d %H:%M:%S UTC", seconds))
end

-- slack.raw("<https://example.org|x>"): Slack's own markup, sent as it is. Never give it anything that
-- an attacker may have written: user names, log lines, host names.
function slack.raw(text)
  return mark("raw", text_of(text, "slack.raw: text"))
end

---------------------------------------------------------------------------------------------------
-- Text

-- slack.code(event.ip): `203.0.113.7`. Nothing in the text can end the span.
function slack.code(text)
  local line = gsub(gsub(text_of(text, "slack.code: text"), "`", "'"), "%s*[\r\n]+%s*", " ")
  return "`" .. (line == "" and " " or line) .. "`"
end

-- slack.pre(event.matches): a block of lines. Nothing in the text can end the block.
function slack.pre(text)
  local lines = gsub(gsub(text_of(text, "slack.pre: text"), "```", "'''"), "^\n+", "")
  return "```\n" .. gsub(lines, "%s+$", "") .. "\n```"
end

-- What a reader sees of a marked group, for counting: a link's label, a date's fallback.
local function width_of(group)
  local seen = match(group, "([^\u{E000}\u{E001}\u{E002}]*)\u{E002}$") or group
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
  local ending = optional_text(ellipsis, "slack.truncate: ellipsis") or "…"
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

---------------------------------------------------------------------------------------------------
-- Blocks: https://docs.slack.dev/reference/block-kit/blocks

local function plain_text(text, what)
  return { type = "plain_text", text = text_of(text, what), emoji = true }
end

-- Text becomes a text object; one that already is stays.
local function text_object(value, what)
  if type(value) == "table" then
    if rawget(value, "type") == nil then fail(what .. " must be text or a text object with a type") end
    return value
  end
  return { type = "mrkdwn", text = text_of(value, what) }
end

-- The arguments of f(a, b, …) or f({ a, b, … }) as a list.
local function elements(what, first, ...)
  if type(first) == "table" and rawget(first, "type") == nil and select("#", ...) == 0 then
    return list_of(first, what)
  end
  local list = pack(first, ...)
  list.n = nil
  if #list == 0 then fail(what .. ": at least one is needed") end
  return list
end

local function text_objects(list, what)
  local result = host.array({})
  for i, value in ipairs(list) do result[i] = text_object(value, format("%s %d", what, i)) end
  return result
end

function slack.header(text)
  return { type = "header", text = plain_text(text, "slack.header: text") }
end

function slack.divider()
  return { type = "divider" }
end

-- slack.section("text"), or slack.section{ text = …, fields = { … }, accessory = slack.image(…) }
function slack.section(content)
  if type(content) ~= "table" or rawget(content, "type") ~= nil then
    return { type = "section", text = text_object(content, "slack.section: text") }
  end
  check_keys(content, "slack.section", " text fields accessory ")
  if content.text == nil and content.fields == nil then fail("slack.section needs text or fields") end
  local accessory = content.accessory
  if accessory ~= nil then table_of(accessory, "slack.section: accessory") end
  -- A link button comes in a block of its own; here only the button is wanted.
  if accessory and accessory.type == "actions" then accessory = accessory.elements[1] end
  return {
    type = "section",
    text = content.text ~= nil and text_object(content.text, "slack.section: text") or nil,
    fields = content.fields ~= nil and text_objects(
      list_of(content.fields, "slack.section: fields"), "slack.section: field") or nil,
    accessory = accessory,
  }
end

-- slack.fields("*Jail*\nsshd", "*Failures*\n5"): two columns.
function slack.fields(...)
  return { type = "section", fields = text_objects(elements("slack.fields", ...), "slack.fields: field") }
end

-- slack.context("small grey text", slack.image(…), …)
function slack.context(...)
  return { type = "context", elements = text_objects(elements("slack.context", ...), "slack.context: element") }
end

function slack.image(url, alt, title)
  return {
    type = "image",
    image_url = web_address(url, "slack.image: url"),
    alt_text = text_of(alt, "slack.image: alt"),
    title = title ~= nil and plain_text(title, "slack.image: title") or nil,
  }
end

-- slack.link_button("Open the dashboard", "https://…", "primary"): the style may be primary or danger.
function slack.link_button(text, url, style)
  if style ~= nil and style ~= "primary" and style ~= "danger" then
    fail('slack.link_button: style must be "primary", "danger" or left out')
  end
  local button = {
    type = "button",
    text = plain_text(text, "slack.link_button: text"),
    url = web_address(url, "slack.link_button: url"),
    style = style,
  }
  return { type = "actions", elements = { button } }
end

---------------------------------------------------------------------------------------------------
-- Messages

-- One line of a legacy attachment's table; `short` puts two beside each other.
function slack.field(title, value, short)
  return {
    title = text_of(title, "slack.field: title"),
    value = text_of(value, "slack.field: value"),
    short = short and true or false,
  }
end

local function check_lists(content, what, ...)
  for _, key in ipairs({ ... }) do
    if content[key] ~= nil then
      for i, part in ipairs(list_of(content[key], what .. ": " .. key)) do
        table_of(part, format("%s: %s[%d]", what, key, i))
      end
    end
  end
  return content
end

-- slack.attachment{ color = "#d64545", text = …, blocks = { … } }: what has a coloured bar.
function slack.attachment(content)
  check_keys(content, "slack.attachment", " color text blocks fields title title_link fallback pretext "
    .. "author_name author_link author_icon image_url thumb_url footer footer_icon ts mrkdwn_in ")
  if content.text ~= nil then content.text = text_of(content.text, "slack.attachment: text") end
  return check_lists(content, "slack.attachment", "blocks", "fields")
end

-- slack.message{ text = …, blocks = { … }, attachments = { … } }: `text` is what a phone notifies with.
function slack.message(content)
  check_keys(content, "slack.message", " text blocks attachments username icon_emoji icon_url ")
  if content.text ~= nil then content.text = text_of(content.text, "slack.message: text") end
  return check_lists(content, "slack.message", "blocks", "attachments")
end

-- return slack.mute("known scanner"): no message for this event; it is counted and can be traced.
function slack.mute(reason)
  return host.verdict("muted", optional_text(reason, "slack.mute: reason"))
end

-- return slack.digest(): no message of its own, only a line in the next digest.
function slack.digest()
  return host.verdict("digest")
end

---------------------------------------------------------------------------------------------------
-- Addresses. One is { version, high and low 64 bits, how many of the 128 bits count }; IPv4 sits at
-- ::ffff:0:0/96, so that an IPv4 address written as IPv6 is the same address.

local IPV4 = 0xFFFF00000000

local function parse_ipv4(text)
  local a, b, c, d = match(text, "^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  if not a then return nil end
  local value = 0
  for _, part in ipairs({ a, b, c, d }) do
    -- 010 is eight to some programs and ten to others: to us it is no address.
    if tonumber(part) > 255 or find(part, "^0%d") then return nil end
    value = value << 8 | to_integer(part)
  end
  return value
end

-- The 16-bit groups of one side of "::"; nil if one is malformed.
local function parse_groups(text, groups)
  if text == "" then return groups end
  for part in string.gmatch(text .. ":", "([^:]*):") do
    if not find(part, "^%x%x?%x?%x?$") then return nil end
    groups[#groups + 1] = tonumber(part, 16)
  end
  return groups
end

local function parse_ipv6(text)
  local start, tail = match(text, "^(.*:)(%d+%.%d+%.%d+%.%d+)$")
  if start then
    local value = parse_ipv4(tail)
    if not value then return nil end
    text = start .. format("%x:%x", value >> 16, value & 0xFFFF)
  end
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
  if not address then return nil end
  local value = parse_ipv4(address)
  local high, low, width = 0, value and (IPV4 | value), 32
  if not value then
    high, low = parse_ipv6(address)
    width = 128
  end
  if not high or not low then return nil end
  local prefix = bits == "" and width or tonumber(match(bits, "^/(%d%d?%d?)$") or "")
  if not prefix or prefix > width then return nil end
  if value then prefix = prefix + 96 end
  local is_ipv4 = high == 0 and low >> 32 == 0xFFFF and prefix >= 96
  return { version = is_ipv4 and 4 or 6, high = high, low = low, bits = to_integer(prefix) }
end

-- Lists are tested against many times; each text is parsed once. `false`: no address.
local parsed = {}
local function network(text)
  if type(text) ~= "string" then return false end
  local found = parsed[text]
  if found == nil then
    found = parse_network(text) or false
    parsed[text] = found
  end
  return found
end

-- The first `bits` of 64; a shift by 64 or more gives 0 in Lua.
local function top(value, bits)
  if bits <= 0 then return 0 end
  return bits >= 64 and value or value & ~(-1 >> bits)
end

local function contains(outer, inner)
  local bits = outer.bits
  return outer.version == inner.version and bits <= inner.bits
    and top(outer.high, bits) == top(inner.high, bits)
    and top(outer.low, bits - 64) == top(inner.low, bits - 64)
end

local function in_network(address, text, what)
  local outer = network(text)
  if not outer then
    fail(format("ip.within: %s is not an address or network: %s", what,
      type(text) == "string" and "'" .. text .. "'" or type(text)))
  end
  return contains(outer, address)
end

-- ip.within(event.ip, "198.51.100.0/24", "2001:db8::/32", event.lists.scanners): true if one of them
-- holds the address; one that is itself a network must lie inside as a whole. Not an address: false.
function ip.within(address, ...)
  local inner, found = network(address), false
  for i, value in ipairs(pack(...)) do
    local list = type(value) == "table" and list_of(value, "ip.within: list") or { value }
    for j, text in ipairs(list) do
      local what = list[1] == value and format("network %d", i) or format("network %d[%d]", i, j)
      if not inner then
        if not network(text) then in_network(inner, text, what) end
      elseif in_network(inner, text, what) then
        found = true
        break
      end
    end
    if found then break end
  end
  if select("#", ...) ~= #pack(...) then fail("ip.within: a network is nil; is it the right list?") end
  return found
end

-- ip.version(event.ip): 4, 6, or nil for what is no address.
function ip.version(address)
  local found = network(address)
  return found and found.version or nil
end

local private = {
  "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
  "fc00::/7", "fe80::/10", "::1",
}

-- ip.is_private(event.ip): an address that no one else on the Internet can have.
function ip.is_private(address)
  local inner = network(address)
  if not inner then return false end
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
