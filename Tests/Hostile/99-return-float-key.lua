-- expect: error: a list with a hole; a key that is no text
return { ban = function(event, payload)
  payload.attachments = { [1.5] = 1 }
end }
