-- expect: error: __gc is not allowed; a finalizer
return { ban = function(event, payload)
  setmetatable({}, { __gc = function() while true do end end })
end }
