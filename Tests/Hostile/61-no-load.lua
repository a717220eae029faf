-- expect: error: attempt to call a nil value; load
return { ban = function(event, payload)
  load("return 1")()
end }
