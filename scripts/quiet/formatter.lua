-- Keeps the channel quiet: bans of known scanners, and in quiet hours all bans, are told in the next
-- digest only. What is critical always comes through at once. Name it first, so that no other formatter
-- works in vain: formatters = ["quiet", "default"].
--
-- Without settings, known scanners are the config's list `scanners`, and no hour is quiet:
--
--   [list]                                            # in config.toml
--   scanners = { file = "scanners.txt" }
--
-- Settings are yours, in formatters/lib/quiet.lua; leave out what you do not need:
--
--   return {
--     lists = { "scanners", "crawlers" },             -- lists of the config
--     from = "22:00", to = "07:00",                   -- in its time zone; at 07:00 the quiet is over
--   }

-- No file is no mistake; a mistake in the file is one, and shown with its line.
local function settings()
  local found, value = pcall(require, "quiet")
  if found then return value end
  if tostring(value):find("there is no lib/quiet.lua", 1, true) then return nil end
  error(value, 0)
end

local function check(condition, problem, ...)
  if not condition then error(("lib/quiet.lua: " .. problem):format(...), 0) end
  return condition
end

-- "22:30" as minutes since midnight.
local function minutes(text, key)
  local hour, minute = tostring(text):match("^(%d%d?):([0-5]%d)$")
  local sum = hour and hour * 60 + minute
  return check(sum and sum <= 24 * 60 and sum, '%s must be an hour such as "22:00", not %s', key,
    tostring(text))
end

local lists, named, from, to = { "scanners" }, false, nil, nil
local written = settings()
if written ~= nil then
  check(type(written) == "table", "must return a table, not %s", tostring(written))
  for key in pairs(written) do
    check(key == "lists" or key == "from" or key == "to", "unknown key %s; known: from, lists, to",
      tostring(key))
  end
  lists, named = written.lists or lists, written.lists ~= nil
  check(type(lists) == "table", "lists must be { \"scanners\", … }, not %s", tostring(lists))
  if written.from or written.to then
    from, to = minutes(written.from or "00:00", "from"), minutes(written.to or "24:00", "to")
    check(from ~= to, "from and to are the same")
  end
end

-- event.lists.NAME is false if the list does not hold the address, and nil if there is no such list.
local function is_known_scanner(event)
  local found = false
  for _, name in ipairs(lists) do
    local entries = event.lists and rawget(event.lists, name)
    check(entries ~= nil or not named, "the config has no list %s", tostring(name))
    found = found or entries
  end
  return found
end

local function is_quiet_hour()
  if not from then return false end
  local now = os.date("*t")
  local minute = now.hour * 60 + now.min
  if from < to then return minute >= from and minute < to end
  return minute >= from or minute < to -- over midnight
end

local function hush(event)
  if event.severity == "critical" then return end
  if is_known_scanner(event) or is_quiet_hour() then return slack.digest() end
end

return { ban = hush, prolong = hush, unban = hush }
