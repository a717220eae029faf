-- expect: error: time limit; the hook is inherited
return { ban = function(event, payload)
  local co = coroutine.create(function() while true do end end)
  coroutine.resume(co)
  payload.text = "escaped"
end }
