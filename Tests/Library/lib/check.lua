-- The checks of the library's tests. A check that fails is an error at the line that called it; the
-- count says that there were any.
local check, count = {}, 0
-- A test may spoil the global ones.
local error, pairs, pcall, tostring, type = error, pairs, pcall, tostring, type
local concat, type_of_number = table.concat, math.type

local function show(value)
  if type(value) ~= "table" then
    return type(value) == "string" and "'" .. value:gsub("\u{E000}", "[") .. "'" or tostring(value)
  end
  local parts = {}
  for key, part in pairs(value) do parts[#parts + 1] = tostring(key) .. " = " .. show(part) end
  return "{ " .. concat(parts, ", ") .. " }"
end

local function same(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then
    return one == other and type_of_number(one) == type_of_number(other)
  end
  for key, part in pairs(one) do
    if not same(part, other[key]) then return false end
  end
  for key in pairs(other) do
    if one[key] == nil then return false end
  end
  return true
end

-- check.is(actual, expected): equal, tables part by part.
function check.is(actual, expected)
  count = count + 1
  if not same(actual, expected) then error(show(actual) .. " is not " .. show(expected), 2) end
end

-- check.fails("slack.link: url must be …", function() slack.link(5) end): exactly that error, at the
-- line of this call, which the function must stand on.
function check.fails(expected, body)
  count = count + 1
  local ok, message = pcall(body)
  local _, place = pcall(error, "", 3)
  if ok then error("no error; expected: " .. expected, 2) end
  if message ~= place .. expected then error(show(message) .. " is not " .. show(place .. expected), 2) end
end

function check.done() return count .. " checks" end

return check
