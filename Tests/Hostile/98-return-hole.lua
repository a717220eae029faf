-- expect: error: attachments: a list with a hole; a hole
return { ban = function(event, payload)
  payload.attachments = { [1] = 1, [3] = 3 }
end }
