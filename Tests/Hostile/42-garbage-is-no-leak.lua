-- expect: ok; 100 MB of garbage, little of it alive
return { ban = function(event, payload)
  for i = 1, 100 do local s = ("x"):rep(1000):rep(1000) .. i end
  payload.text = "fine"
end }
