-- expect: error: ; luaV_concat of Debian 12 keeps a stale stack pointer and may crash: any good word will do
return { ban = function(event, payload)
  local mt = {}
  local function rec(n) if n > 0 then return 1 + rec(n - 1) end return 0 end
  local n = 10
  mt.__concat = function(a, b) n = n * 2; if n < 100000 then rec(n) end return setmetatable({}, mt) end
  local x = setmetatable({}, mt)
  for i = 1, 5 do n = 10 local y = "a" .. "b" .. x .. "c" .. "d" .. x .. "e" .. "f" .. x .. "g" .. x .. "h" .. x .. "i" .. x .. "j" end
  error("survived")
end }
