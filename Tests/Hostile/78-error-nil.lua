-- expect: error: error with a nil; an error without a value
return { ban = function(event, payload)
  error(nil)
end }
