-- expect: error: more text or more values; 1 MB of text
return { ban = function(event, payload)
  payload.text = ("x"):rep(1000000)
end }
