-- One line a message: emoji, jail, address, failures, host. For a channel that is read in passing.
-- It replaces what the formatter before it made: colours, fields and log lines are gone.

local emoji_of_severity = {
  info = ":shield:",
  warning = ":warning:",
  critical = ":rotating_light:",
}

-- As code, because fail2ban also bans what is no address and may hold anything.
local function address(event)
  return slack.code(slack.truncate(event.ip ~= "" and event.ip or event.id, 100))
end

-- "5 failures". What is no number stays the text it was, and so is shown as code.
local function failures(event)
  local count = event.failures
  if type(count) ~= "number" then count = slack.code(slack.truncate(count, 20)) end
  return count .. (count == 1 and " failure" or " failures")
end

local function line(emoji, event, ...)
  local parts = table.concat({ address(event), ... }, ", ")
  return slack.message{ text = ("%s %s: %s"):format(emoji, event.jail, parts) }
end

-- A jail that starts, stops or lifts all its bans: the sentence is there, the rest goes.
local function only_text(_, payload)
  return slack.message{ text = payload.text }
end

return {
  -- Another program's text is what it is for.
  notify = function() end,

  ban = function(event)
    local emoji = emoji_of_severity[event.severity]
    if event.failures == 0 then return line(emoji, event, event.host) end
    return line(emoji, event, failures(event), event.host)
  end,

  prolong = function(event) return line(":hourglass:", event, event.host) end,
  unban = function(event) return line(":unlock:", event, event.host) end,
  any = only_text,
  jail_flush = only_text,
  warning = only_text,
}
