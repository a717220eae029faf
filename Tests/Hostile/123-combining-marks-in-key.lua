-- expect: error: a key must be plain ASCII; the same in a key, which is compared and hashed
return { ban = function(event, payload)
  payload.attachments[1]["k" .. ("\u{345}\u{315}\u{31B}\u{321}"):rep(2500)] = 1
end }
