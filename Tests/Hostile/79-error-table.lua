-- expect: error: error with a table; an error object
return { ban = function(event, payload)
  error(setmetatable({}, { __tostring = function() while true do end end }))
end }
