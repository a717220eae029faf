-- expect: error: ; __index of __index
return { ban = function(event, payload)
  local t = {}
  for _ = 1, 10000 do t = setmetatable({}, { __index = t }) end
  return t.x.y
end }
