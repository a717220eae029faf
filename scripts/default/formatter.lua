-- The message that luaslack sends unless you say otherwise: the built-in one, with a colour for the
-- jail and an emoji for the severity. Copy it to /etc/luaslack/formatters/ and change what you like.

local colour_of_jail = {
  sshd = "#d64545",
  recidive = "#7b1fa2",
  ["nginx-http-auth"] = "#e8a33d",
  ["nginx-botsearch"] = "#e8a33d",
  ["apache-auth"] = "#e8a33d",
  postfix = "#3d7de8",
  dovecot = "#3d7de8",
}

-- Jails that are not listed above get one of these, always the same one.
local palette = { "#2f9e8f", "#b8860b", "#5c6bc0", "#c2185b", "#558b2f", "#6d4c41" }

local emoji_of_severity = {
  info = ":shield:",
  warning = ":warning:",
  critical = ":rotating_light:",
}

local emoji_of_notification = {
  info = ":information_source:",
  warning = ":warning:",
  critical = ":rotating_light:",
}

local colour_of_notification = { info = "#3d7de8", warning = "warning", critical = "danger" }

local function colour(jail)
  if colour_of_jail[jail] then return colour_of_jail[jail] end
  local sum = 0
  for i = 1, #jail do sum = sum + jail:byte(i) end
  return palette[sum % #palette + 1]
end

-- What the message says (why it is loud, how to undo the ban of one of your own) is in the payload
-- already; this makes it seen.
local function show(payload, emoji, bar)
  payload.text = emoji .. " " .. payload.text
  for _, attachment in ipairs(payload.attachments or {}) do attachment.color = bar end
end

return {
  ban = function(event, payload)
    show(payload, emoji_of_severity[event.severity], colour(event.jail))
  end,

  -- The time that counts stands in the ban's message where that was still to be sent; else only what is
  -- critical is worth another one.
  prolong = function(event, payload)
    if event.severity ~= "critical" then return slack.mute("an ordinary prolong") end
    show(payload, ":hourglass:", colour(event.jail))
  end,

  unban = function(_, payload)
    show(payload, ":unlock:", "#9e9e9e")
  end,

  -- Figures of a day or a week; the colour tells already whether messages arrive.
  report = function(event, payload)
    local isWell = event.severity == "info"
    show(payload, isWell and ":bar_chart:" or ":warning:",
      isWell and "#3d7de8" or payload.attachments[1].color)
  end,

  -- More bans than usual: when it begins, and when it is over.
  warning = function(event, payload)
    if event.phase == "over" then return show(payload, ":white_check_mark:", "good") end
    show(payload, emoji_of_notification[event.severity], colour_of_notification[event.severity])
  end,

  -- What another program has to say.
  notify = function(event, payload)
    show(payload, emoji_of_notification[event.severity], colour_of_notification[event.severity])
  end,
}
