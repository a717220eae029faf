-- expect: ok; thousands of combining marks in the worst order: normalising them takes quadratic time
return { ban = function(event, payload)
  payload.text = event.ip .. ("\u{345}\u{315}\u{31B}\u{321}"):rep(4000)
  payload.attachments = nil
end }
