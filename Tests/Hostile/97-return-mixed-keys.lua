-- expect: error: attachments: a list with a hole, or a table with keys of two kinds; mixed keys
return { ban = function(event, payload)
  payload.attachments = { 1, x = 2 }
end }
