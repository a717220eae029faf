-- Slack's Block Kit: a heading, what is known in two columns, the log lines. Blocks have no colour,
-- so they stand in an attachment, which has a coloured bar. It replaces what the formatter before it
-- made; events of a whole jail it leaves alone.

local colour_of_severity = { info = "#3d7de8", warning = "#e8a33d", critical = "#d64545" }
local emoji_of_severity = { info = ":shield:", warning = ":warning:", critical = ":rotating_light:" }

-- Slack refuses a message with more than ten fields in a block, 2,000 characters in a field, 3,000 in
-- a block or about 9,000 in all blocks, and it counts an & as five. These numbers keep well below.
local most_extra_fields = 4
local field_length, sentence_length, log_length = 80, 200, 500

local function short(text) return slack.truncate(text, field_length) end

-- Code shows a text as it is: no *bold*, no links. Whatever somebody outside may have written, a user
-- name, say, belongs in it.
local function code(text) return slack.code(short(text)) end

-- What is no number stays the text it was.
local function number(value) return type(value) == "number" and value or code(value) end

local function address(event) return event.ip ~= "" and event.ip or event.id end

local units = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } }

-- 5400 becomes " for 1.5 hours", nothing stays nothing.
local function span(seconds)
  if seconds == nil then return "" end
  if type(seconds) ~= "number" then return " for " .. seconds end
  if seconds < 0 then return " for good" end
  for _, unit in ipairs(units) do
    if seconds >= unit[1] then
      local count = ("%.1f"):format(seconds / unit[1]):gsub("%.0$", "")
      return (" for %s %s%s"):format(count, unit[2], count == "1" and "" or "s")
    end
  end
  return ""
end

-- Two columns; what is not known is left out.
local function columns(event)
  local fields = {}
  local function add(title, text) fields[#fields + 1] = title .. "\n" .. text end
  add("*Address*", code(address(event)))
  if event.id ~= address(event) then add("*ID*", code(event.id)) end
  add("*Jail*", short(event.jail))
  if event.failures and event.failures ~= 0 then add("*Failures*", number(event.failures)) end
  if event.user then add("*User*", code(event.user)) end
  if (event.bancount or 1) ~= 1 then add("*Ban number*", number(event.bancount)) end
  local left = most_extra_fields
  for name, text in pairs(event.fields) do
    if left > 0 then add(code(name), code(text)) end
    left = left - 1
  end
  return slack.section{ fields = fields }
end

-- Small and grey: where and when, and that fail2ban merely repeats itself.
local function origin(event)
  local parts = { short(event.host), slack.date(event.time) }
  if event.restored then parts[3] = "a ban from before fail2ban's restart" end
  return slack.context(table.concat(parts, " · "))
end

local function message(event, emoji, colour, verb, heading)
  local blocks = { slack.header(short(heading)), columns(event) }
  local function add(block) blocks[#blocks + 1] = block end
  if event.reasons and #event.reasons > 0 then
    local reasons = slack.truncate(table.concat(event.reasons, "; "), sentence_length)
    add(slack.section{ type = "plain_text", text = "Why: " .. reasons })
  end
  if event.unban_command and (event.valid_user or event.friendly) then
    local command = slack.code(slack.truncate(event.unban_command, sentence_length))
    add(slack.section("*Undo*\n" .. command))
  end
  if event.matches then
    local more = event.matches_left_out > 0 and "\n…" or ""
    add(slack.section(slack.pre(slack.truncate(event.matches .. more, log_length))))
  end
  add(origin(event))
  return slack.message{
    -- What a phone shows, and the line above the coloured bar.
    text = ("%s %s %s %s on %s"):format(emoji, event.jail, verb, code(address(event)), event.host),
    attachments = { slack.attachment{ color = colour, blocks = blocks } },
  }
end

return {
  ban = function(event)
    return message(event, emoji_of_severity[event.severity], colour_of_severity[event.severity],
      "banned", "Banned" .. span(event.bantime))
  end,

  prolong = function(event)
    return message(event, ":hourglass:", colour_of_severity[event.severity],
      "prolonged the ban of", "Now banned" .. span(event.bantime))
  end,

  unban = function(event)
    return message(event, ":unlock:", "#9e9e9e", "unbanned", "Unbanned")
  end,
}
