-- expect: ok; a __gc set afterwards never runs
return { ban = function(event, payload)
  local mt = {}
  setmetatable({}, mt)
  mt.__gc = function() while true do end end
  for i = 1, 1e5 do local t = {} end
end }
