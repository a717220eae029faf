-- For WordPress: which site is picked on, which user was tried, and the log lines. Events of other
-- jails keep the message that the formatter before this one made.
--
-- The site is the field `site`, which the filter finds, or a jail of its own for each site names:
--   action = luaslack[field1="site=<F-SITE>"]
--   action = luaslack[fields="site=example.org"]
-- One that you wrote yourself, and no log, may be a link: fields="site=example.org, link=yes".
-- Without it, it is what the plugin WP fail2ban writes into the log: wordpress(example.org)[1234]: …

-- Jails whose names contain one of these are about WordPress.
local names = { "wordpress", "wp" }

local function is_wordpress(event)
  for _, name in ipairs(names) do
    if event.jail:find(name, 1, true) then return true end
  end
  return event.fields.site ~= nil
end

-- A host name and nothing else: no path, no port, no "@".
local function is_host_name(text)
  if #text > 253 or not text:find("%.%a[%w-]*$") then return false end
  for label in (text .. "."):gmatch("([^.]*)%.") do
    if #label > 63 or not label:find("^%w[%w-]*$") or label:find("%-$") then return false end
  end
  return true
end

-- Who sends a request chooses what the log says of it, so what comes from there is never a link.
local function site_in_log(event)
  return event.matches and event.matches:match("wordpress%(([^()%s]+)%)")
end

local function user_in_log(event)
  local lines = event.matches or ""
  return lines:match("for unknown user (%S+) from") or lines:match("for (%S+) from")
end

-- As code, because fail2ban also bans what is no address and may hold anything.
local function address(event)
  return slack.code(slack.truncate(event.ip ~= "" and event.ip or event.id, 100))
end

-- "after 3 attempts". What is no number stays the text it was, and so is shown as code.
local function attempts(event)
  local count = event.failures
  if count == 0 then return "for attempts" end
  if type(count) ~= "number" then count = slack.code(slack.truncate(count, 20)) end
  return ("after %s attempt%s"):format(count, count == 1 and "" or "s")
end

-- What is in the fields of an attachment, Slack shows as it is: no *bold*, no links.
local function fields(event, site)
  local fields = {}
  local function add(title, text)
    if text then fields[#fields + 1] = slack.field(title, slack.truncate(text, 200), true) end
  end
  add("Site", site)
  add("User tried", event.user or user_in_log(event))
  add("Jail", event.jail)
  if event.reasons and #event.reasons > 0 then
    fields[#fields + 1] = slack.field("Why", table.concat(event.reasons, "; "))
  end
  return slack.array(fields)
end

-- What stands under the fields: the way back for somebody of your own, and the log lines.
local function details(event)
  local parts = {}
  if event.unban_command and (event.valid_user or event.friendly) then
    parts[1] = "Undo: " .. slack.code(slack.truncate(event.unban_command, 500))
  end
  if event.matches then
    -- Slack cuts such a text at 8,000 characters, and escaped an & counts as five.
    local more = event.matches_left_out > 0 and "\n…" or ""
    parts[#parts + 1] = slack.pre(slack.truncate(event.matches .. more, 1000))
  end
  return #parts > 0 and table.concat(parts, "\n") or nil
end

-- `sentence` begins what the site, or else the jail, ends.
local function report(event, colour, sentence)
  local site = event.fields.site or site_in_log(event)
  local is_link = event.fields.link == "yes" and event.fields.site ~= nil and is_host_name(event.fields.site)
  local target = site and slack.code(slack.truncate(site, 100)) or event.jail
  return slack.message{
    text = (":cop: The IP %s %s %s on %s"):format(address(event), sentence, target, event.host),
    attachments = { slack.attachment{
      color = colour,
      -- The title is the whole name of the host that it leads to.
      title = is_link and site or nil,
      title_link = is_link and "https://" .. site .. "/" or nil,
      fields = fields(event, not is_link and site or nil),
      text = details(event),
      mrkdwn_in = { "text" },
      footer = event.host,
      ts = math.type(event.time) == "integer" and event.time or nil,
    } },
  }
end

local function painted(colour)
  return function(event, payload)
    if not is_wordpress(event) then return end
    payload.text = ":cop: " .. payload.text
    for _, attachment in ipairs(payload.attachments or {}) do attachment.color = colour end
  end
end

return {
  ban = function(event)
    if not is_wordpress(event) then return end
    return report(event, event.severity == "critical" and "danger" or "warning",
      "has just been banned " .. attempts(event) .. " against")
  end,

  prolong = function(event)
    if not is_wordpress(event) then return end
    return report(event, event.severity == "critical" and "danger" or "warning",
      "stays banned longer for its attempts against")
  end,

  unban = function(event)
    if not is_wordpress(event) then return end
    return report(event, "good", "is no longer banned from")
  end,

  jail_start = painted("good"),
  jail_stop = painted("warning"),
}
