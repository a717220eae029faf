-- expect: error: attempt to yield from outside a coroutine; the handler is no coroutine
return { ban = function(event, payload)
  coroutine.yield(1)
end }
