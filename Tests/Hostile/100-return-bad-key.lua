-- expect: error: a key must be plain ASCII; a key that is not UTF-8
return { ban = function(event, payload)
  payload["\xff"] = 1
end }
