-- expect: ok; the address in the wrong direction, and with unseen characters between its digits
return { ban = function(event, payload)
  payload.attachments = nil
  payload.text = "\u{202E}" .. event.ip .. "\u{202C} " .. event.ip:gsub(".", "%0\u{200B}")
end }
