-- expect: ok; the address behind 60000 characters, of which Slack shows 40000
return { ban = function(event, payload)
  payload.text = ("x"):rep(60000) .. " " .. event.ip
  payload.attachments = nil
end }
