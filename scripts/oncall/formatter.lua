-- Mentions whoever is on call: by jail, severity, day and hour. It puts the mention before the text of
-- the message and leaves the rest as it is, so name it last: formatters = ["default", "oncall"].
--
-- The rules are yours, in formatters/lib/oncall.lua. The first one that fits decides; what a rule
-- leaves out fits everything:
--
--   return {
--     { jail = "backup-*", who = "nobody" },
--     { jail = "sshd", severity = "warning", from = "22:00", to = "07:00", who = "U012AB3CD" },
--     { severity = "critical", days = { "sat", "sun" }, who = { "S012AB3CD", "U034EF5GH" } },
--     { severity = "critical", who = "here" },
--   }
--
--   jail      its name; * stands for any letters, ? for one
--   severity  the least that counts: info, warning, critical
--   from, to  hours in the config's time zone, also over midnight; at `to` the rule is over
--   days      mon tue wed thu fri sat sun; the hours after midnight belong to the day before
--   who       a member's ID (U…), a user group's (S…), here, nobody, or a list of them

local default_rules = { { severity = "critical", who = "here" } }

-- Old news wakes nobody: seconds after which an event mentions no one.
local most_delay = 900

local rank = { info = 1, warning = 2, critical = 3 }
-- As os.date counts them.
local day_numbers = { sun = 1, mon = 2, tue = 3, wed = 4, thu = 5, fri = 6, sat = 7 }

-- No file is no mistake; a mistake in the file is one, and shown with its line.
local function settings()
  local found, value = pcall(require, "oncall")
  if found then return value end
  if tostring(value):find("there is no lib/oncall.lua", 1, true) then return default_rules end
  error(value, 0)
end

local function check(condition, problem, ...)
  if not condition then error(("lib/oncall.lua: " .. problem):format(...), 0) end
  return condition
end

-- A list of texts, or one text, as a list.
local function list(value) return type(value) == "table" and value or { value } end

-- "22:30" as minutes since midnight.
local function minutes(text, where)
  local hour, minute = tostring(text):match("^(%d%d?):([0-5]%d)$")
  local sum = hour and hour * 60 + minute
  return check(sum and sum <= 24 * 60 and sum, '%s must be an hour such as "22:00", not %s', where,
    tostring(text))
end

local function mention(who, where)
  if who == "nobody" then return "" end
  if who == "here" or who == "channel" or who == "everyone" then return slack.mention(who) end
  check(type(who) == "string" and who:find("^[UWS][A-Z0-9]+$"),
    "%s must be a member's ID (U…), a user group's ID (S…), here or nobody, not %s", where,
    tostring(who))
  return who:find("^S") and slack.user_group(who) or slack.mention(who)
end

-- "nginx-*" as a pattern of Lua's.
local function pattern(glob)
  local escaped = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0")
  return "^" .. escaped:gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

local known = { jail = true, severity = true, from = true, to = true, days = true, who = true }

-- A rule as it is written becomes one that is quick to compare.
local function compile(rule, number)
  local where = "rule " .. number
  check(type(rule) == "table", "%s must be a table, not %s", where, tostring(rule))
  for key in pairs(rule) do check(known[key], "%s has the unknown key %s", where, tostring(key)) end
  check(rule.who ~= nil, "%s says nobody to mention: who = …", where)
  check(rule.jail == nil or type(rule.jail) == "string", "%s: jail must be a text", where)
  local result = {
    jail = pattern(rule.jail or "*"),
    rank = check(rank[rule.severity or "info"], "%s: severity must be info, warning or critical, not %s",
      where, tostring(rule.severity)),
    from = minutes(rule.from or "00:00", where .. ": from"),
    to = minutes(rule.to or "24:00", where .. ": to"),
    days = rule.days and {},
  }
  check(result.from ~= result.to, "%s: from and to are the same; for all day leave both out", where)
  for _, day in ipairs(list(rule.days)) do
    result.days[check(day_numbers[day], "%s: days are mon tue wed thu fri sat sun, not %s", where,
      tostring(day))] = true
  end
  local mentions = {}
  for i, who in ipairs(list(rule.who)) do mentions[i] = mention(who, where .. ": who") end
  result.mention = table.concat(mentions, " ")
  return result
end

local rules = {}
local written = settings()
check(type(written) == "table", "must return a list of rules, not %s", tostring(written))
for key in pairs(written) do
  check(math.type(key), "must return a list of rules { { … }, { … } }; it has the key %s",
    tostring(key))
end
for number, rule in ipairs(written) do rules[number] = compile(rule, number) end

local function is_on(rule, now)
  local minute, day = now.hour * 60 + now.min, now.wday
  if rule.from < rule.to then
    if minute < rule.from or minute >= rule.to then return false end
  elseif minute < rule.to then
    day = (day - 2) % 7 + 1 -- the night began yesterday
  elseif minute < rule.from then
    return false
  end
  return not rule.days or rule.days[day] == true
end

local function mention_for(event)
  local now = os.date("*t")
  for _, rule in ipairs(rules) do
    if rank[event.severity] >= rule.rank and event.jail:find(rule.jail) and is_on(rule, now) then
      return rule.mention
    end
  end
  return ""
end

local function call(event, payload)
  -- After an outage of Slack the old ones come at once.
  if event.delay > most_delay then return end
  local mentions = mention_for(event)
  if mentions == "" then return end
  payload.text = mentions .. " " .. (payload.text or "")
  -- Where there are blocks, Slack shows them in place of the text.
  if payload.blocks then table.insert(payload.blocks, 1, slack.section(mentions)) end
end

-- fail2ban repeats its bans after a restart.
local function call_for_ban(event, payload)
  if not event.restored then call(event, payload) end
end

-- An early warning calls when it begins; its jail is empty text where its rule counts something else.
local function warn(event, payload)
  if event.phase == "started" then call(event, payload) end
end

return { ban = call_for_ban, prolong = call_for_ban, warning = warn }
