-- Where an address is and whose it is: flag, country and city, network and its owner, the address's name in DNS, and a
-- link to what AbuseIPDB knows of it, where it can be reported as well. Name it after what makes the message:
-- formatters = ["default", "geo"].
--
-- It shows what luaslackd knows, and nothing else. The config says where that comes from; without these two there is
-- the link alone:
--
--   [geo]
--   databases = ["/var/lib/GeoIP/GeoLite2-City.mmdb", "/var/lib/GeoIP/GeoLite2-ASN.mmdb"]
--   [rdns]
--   enabled = true

-- What is left of a list whose parts may be nil.
local function joined(separator, ...)
  local parts = {}
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    if part then parts[#parts + 1] = part end
  end
  return #parts > 0 and table.concat(parts, separator) or nil
end

-- Titles and texts of what is known.
local function details(event)
  local geo = event.geo or {}
  local asn = geo.asn and "AS" .. geo.asn
  return {
    { "From", joined(" ", geo.flag, joined(", ", geo.name or geo.country, geo.city)) },
    { "Network", joined(" ", asn, geo.org) },
    { "Name", event.rdns },
  }
end

-- A private address says nothing to anybody else, and a whole network has no page.
local function page(event)
  local address = event.ip
  if not ip.version(address) or ip.is_private(address) or address:find("[/%%]") then return nil end
  return slack.link("https://www.abuseipdb.com/check/" .. slack.url_part(address), "AbuseIPDB")
end

local function show(event, payload)
  local link = page(event)
  local attachment = payload.attachments and payload.attachments[1]
  local blocks = payload.blocks or attachment and attachment.blocks
  local shown = {}
  for _, detail in ipairs(details(event)) do
    local title, text = detail[1], detail[2]
    if text and blocks then
      -- Blocks read markup: names are others' text.
      shown[#shown + 1] = slack.code(text)
    elseif text and attachment and attachment.fields then
      table.insert(attachment.fields, slack.field(title, text, true))
    end
  end
  if blocks then
    shown[#shown + 1] = link
    if #shown > 0 then table.insert(blocks, slack.context(table.unpack(shown))) end
    return
  end
  payload.text = joined(" ", payload.text, event.geo and event.geo.flag, link and "(" .. link .. ")")
end

return { ban = show, prolong = show }
