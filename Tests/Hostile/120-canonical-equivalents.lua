-- expect: error: a key must be plain ASCII; two keys that Unicode calls equal must cost no other file its turn
return { ban = function(event, payload)
  payload.attachments[1]["\u{E9}"] = "a"
  payload.attachments[1]["e\u{301}"] = "b"
end }
