-- expect: error: memory limit (16 MiB); caught by resume
return { ban = function(event, payload)
  coroutine.resume(coroutine.create(function() local s = "x" while true do s = s .. s end end))
  payload.text = "escaped"
end }
