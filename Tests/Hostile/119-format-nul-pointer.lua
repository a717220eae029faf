-- expect: error: %p is not allowed; string.format("%p") behind a NUL
return { ban = function(event, payload)
  payload.text = ("x\0%p"):format({})
end }
