-- expect: error: x: a thread cannot be sent; a thread
return { ban = function(event, payload)
  payload.x = coroutine.create(print)
end }
