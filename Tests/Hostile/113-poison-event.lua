-- expect: ok; the event is a copy
return { ban = function(event, payload)
  event.ip = "127.0.0.1"
  for k in next, event do event[k] = nil end
end }
