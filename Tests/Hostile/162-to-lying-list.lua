-- expect: error: to: ; a list of destinations that says it is longer than it is
return { ban = function(event, payload)
  return payload, { to = setmetatable({}, { __len = function() return 1 end, __index = function() return "default" end }) }
end }
