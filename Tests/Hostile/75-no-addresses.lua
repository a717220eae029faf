-- expect: error: %p is not allowed; string.format("%p")
return { ban = function(event, payload)
  payload.text = ("%p"):format({})
end }
