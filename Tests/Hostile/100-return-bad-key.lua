-- expect: error: a key is not UTF-8; a key that is not UTF-8
return { ban = function(event, payload)
  payload["\xff"] = 1
end }
