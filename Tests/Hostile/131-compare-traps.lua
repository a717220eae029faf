-- expect: ok; comparisons that raise, yield and change what is compared
return { ban = function(event, payload)
  local mt = {} mt.__lt = function(a, b) coroutine.yield() setmetatable(a, nil) error(a) end mt.__le = mt.__lt mt.__eq = mt.__lt
  local function new() return setmetatable({}, mt) end
  for _, f in ipairs { function() return new() < new() end, function() return new() == new() end, function() table.sort { new(), new(), new() } end, function() return math.max(1, new()) end, function() return 1 <= new() end } do
    pcall(f)
    local co = coroutine.create(f) for i = 1, 3 do coroutine.resume(co) end coroutine.close(co)
  end
end }
