-- expect: error: attachments[1].fields[1].short: a function cannot be sent; the path is named
return { ban = function(event, payload)
  payload.attachments = { { fields = { { short = print } } } }
end }
