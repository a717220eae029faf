-- expect: ok; a wrapped coroutine that yields its answers
return { ban = coroutine.wrap(function(event, payload)
  while true do event, payload = coroutine.yield(payload, nil) end
end) }
