-- expect: error: ; luaV_concat of Debian 12 keeps a stale stack pointer and may crash: any good word will do
return { ban = function(event, payload)
  local mt = {}
  local depth = 0
  mt.__concat = function(a, b) depth = depth + 1 if depth > 180 then return "z" end local r = (a == nil and "" or "q") .. setmetatable({}, mt) .. "w" .. setmetatable({}, mt) return r end
  for i = 1, 300 do depth = 0 pcall(function() return "a" .. setmetatable({}, mt) .. "b" .. setmetatable({}, mt) .. "c" end) end
  error("survived")
end }
