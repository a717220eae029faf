-- expect: ok; half a flag 50000 times: finding where a character begins looks back to the first
return { ban = function(event, payload)
  payload.text = ("\u{1F1E9}"):rep(50000) .. event.ip
  payload.attachments = nil
end }
