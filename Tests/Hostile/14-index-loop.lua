-- expect: error: time limit; a metamethod that never ends
return { ban = function(event, payload)
  return setmetatable({}, { __index = function() while true do end end }).x
end }
