-- A report in Slack's Block Kit: what happened, as a picture; who was banned; whether messages arrive. It replaces
-- what the formatter before it made of a report, and leaves all other events alone.

local colour = { ok = "#3d7de8", failing = "#e8a33d", dead = "#d64545" }
local light = { ok = ":large_green_circle:", failing = ":large_yellow_circle:", dead = ":red_circle:" }

-- Rows of a list, and characters of a name: Slack refuses a message that is too long.
local most_rows, name_length, bar_length = 5, 40, 20

-- Code shows a text as it is. Whatever somebody outside may have chosen, a user name, say, belongs in it.
local function code(text) return slack.code(slack.truncate(text, name_length)) end

local function date(time) return slack.date(time, "{date_short_pretty} {time}") end

-- "412, 12 % more than the 368 before"
local function compared(total)
  if not total.before then return tostring(total.count) end
  if total.before == 0 then return ("%d, none before"):format(total.count) end
  local percent = total.percent
  if percent == 0 then return ("%d, %d before"):format(total.count, total.before) end
  return ("%d, %d %% %s than the %d before"):format(total.count, math.abs(percent),
    percent > 0 and "more" or "less", total.before)
end

local ends = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

-- What is not zero is never nothing.
local function bar(count, most)
  local eighths = math.max(1, math.floor(count / most * 8 * bar_length + 0.5))
  return ("█"):rep(eighths // 8) .. (ends[eighths % 8] or "")
end

local function picture(event)
  local most = 0
  for _, count in ipairs(event.bars.counts) do most = math.max(most, count) end
  return ("%s\n%d at most in %s"):format(slack.code(event.bars.text), most,
    event.bars.step_in_words:gsub("^%a", "one %0"))
end

-- A line each in a block of code, so that the bars begin below each other.
local function jails(event)
  local lines, longest, most = {}, 0, 1
  for i, jail in ipairs(event.jails) do
    if i <= most_rows and jail.bans > 0 then
      longest = math.max(longest, utf8.len(slack.truncate(jail.name, name_length)) or 0)
      most = math.max(most, jail.bans)
    end
  end
  for i, jail in ipairs(event.jails) do
    if i <= most_rows and jail.bans > 0 then
      local name = slack.truncate(jail.name, name_length)
      lines[#lines + 1] = name .. (" "):rep(longest - (utf8.len(name) or 0)) ..
        ("  %" .. #tostring(most) .. "d  %s"):format(jail.bans, bar(jail.bans, most))
    end
  end
  local more = event.jail_count - #lines
  if more > 0 then lines[#lines + 1] = ("and %d more"):format(more) end
  return slack.pre(table.concat(lines, "\n"))
end

-- The first ones of a list, a line each.
local function list(title, rows, show)
  if #rows == 0 then return end
  local lines = { "*" .. title .. "*" }
  for i, row in ipairs(rows) do
    if i <= most_rows then lines[#lines + 1] = ("%s  %d"):format(show(row), row.bans) end
  end
  return table.concat(lines, "\n")
end

-- Two letters are two signs that are drawn as a flag.
local function country(row)
  local flag = ""
  for _, letter in utf8.codes(row.name) do flag = flag .. utf8.char(0x1F1E6 + letter - 65) end
  return flag .. " " .. row.name
end

local function offenders(event)
  local lines = { "*They come again and again*" }
  for _, one in ipairs(event.offenders) do
    local jails = {}
    for i, jail in ipairs(one.jails) do
      if i <= 3 then jails[i] = code(jail) end
    end
    lines[#lines + 1] = ("%s: %s in 30 days, %d in all since %s, by %s"):format(code(one.name),
      slack.plural(one.bans, "ban"), one.total, slack.date(one.first, "{date_short_pretty}"),
      table.concat(jails, ", "))
  end
  return table.concat(lines, "\n")
end

local function delivery(one)
  local parts = { ("%s %s: %d delivered"):format(light[one.state], code(one.name), one.delivered) }
  local function add(count, words)
    if count > 0 then parts[#parts + 1] = count .. " " .. words end
  end
  add(one.folded, "told in digests")
  add(one.failed, "attempts in vain")
  add(one.waiting, "waiting" .. (one.oldest and ", the oldest since " .. date(one.oldest) or ""))
  add(one.held, "held")
  add(one.dead, "given up")
  add(one.dead_letters - one.dead, "given up before")
  if one.state ~= "ok" then
    parts[#parts + 1] = one.last_ok and "last delivered " .. date(one.last_ok) or "never delivered"
    if one.error then parts[#parts + 1] = slack.code(slack.truncate(one.error, 100)) end
  end
  return table.concat(parts, ", ")
end

local function worst(event)
  local state = "ok"
  for _, one in ipairs(event.destinations) do
    if one.state == "dead" or state == "ok" then state = one.state end
  end
  return state == "ok" and event.severity ~= "info" and "failing" or state
end

-- A report of no bans says when the last was; one of a time before luaslack was there says only that.
local function silence(event, is_known)
  local last = event.last_ban and date(event.last_ban)
  if not is_known then
    return "*Nothing of this time is known.*" .. (last and " The last ban was " .. last or "")
  end
  if not last then return event.known_since and "*No bans.*" or "*No bans.* None is known." end
  return "*No bans.* The last was " .. last
end

local function blocks(event)
  local totals, made = event.totals, {}
  local is_known = not (event.quiet and event.known_since) or event.known_since < event.to
  local function add(block) made[#made + 1] = block end
  add(slack.header(("%s on %s"):format(event.period, event.host)))
  if event.quiet then
    add(slack.section(silence(event, is_known)))
  else
    add(slack.section("*Bans*  " .. compared(totals.bans) .. "\n" .. picture(event)))
    add(slack.section(jails(event)))
  end
  local columns = {}
  local function column(text)
    if text and #columns < 10 then columns[#columns + 1] = text end
  end
  for _, name in ipairs{ "failures", "unbans", "prolongs", "notifications", "warnings" } do
    local total = totals[name]
    if total.count > 0 or (total.before or 0) > 0 then
      column(("*%s*\n%s"):format(name:gsub("^%l", string.upper), compared(total)))
    end
  end
  column(list("Addresses", event.addresses, function(row) return code(row.name) end))
  column(list("Networks", event.networks, function(row) return code(row.name) end))
  column(list("Countries", event.countries, country))
  column(list("Users", event.users, function(row) return code(row.name) end))
  if #columns > 0 then add(slack.section{ fields = columns }) end
  if #event.offenders > 0 then add(slack.section(offenders(event))) end
  add(slack.divider())
  local lines = {}
  for i, one in ipairs(event.destinations) do
    if i <= 8 then lines[i] = delivery(one) end
  end
  if #lines > 0 then add(slack.context(table.unpack(lines))) end
  local span = ("%s to %s"):format(date(event.from), date(event.to))
  if event.known_since and is_known then
    span = span .. ", known since " .. date(event.known_since) .. " only"
  end
  if event.quiet_jail_count > 0 then
    span = span .. ", " .. slack.plural(event.quiet_jail_count, "jail") .. " without a ban"
  end
  add(slack.context(span))
  return made
end

return {
  report = function(event, payload)
    return slack.message{
      -- What a phone shows; the line above the coloured bar.
      text = payload.text,
      attachments = { slack.attachment{ color = colour[worst(event)], blocks = blocks(event) } },
    }
  end,
}
