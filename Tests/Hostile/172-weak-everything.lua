-- expect: ok; ephemerons, weak metatables and resurrection through them
return { ban = function(event, payload)
  local chain = setmetatable({}, { __mode = "k" })
  local first = {}
  local key = first
  for i = 1, 3000 do local value = {} chain[key] = value key = value end
  local weak = setmetatable({}, { __mode = "kv" })
  for i = 1, 3000 do weak[{}] = {} weak[i] = {} weak["k" .. i] = function() return i end end
  setmetatable(weak, { __mode = "v" }) getmetatable(chain).__mode = nil
  local n = 0
  for k, v in next, weak do n = n + 1 end
  getmetatable(chain).__mode = "kv"
  local mode = setmetatable({}, { __index = function() return "k" end })
  setmetatable(mode, mode) mode.__mode = mode
  for i = 1, 1000 do mode[{}] = i end
end }
