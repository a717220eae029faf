-- expect: error: to: a list; a metatable instead of a list
return { ban = function(event, payload)
  return payload, setmetatable({ to = setmetatable({}, { __index = function() return "default" end }) }, {})
end }
