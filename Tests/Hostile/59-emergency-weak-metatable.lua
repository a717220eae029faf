-- expect: error: memory limit (16 MiB); a weak metatable during a collection
return { ban = function(event, payload)
  local t = {}
  while true do
    local mt = setmetatable({}, { __mode = "k" })
    t[#t + 1] = setmetatable({}, setmetatable(mt, { __newindex = function(a, k, v) rawset(a, k, v) end }))
    t[#t][1] = ("x"):rep(1000)
  end
end }
