-- expect: error: attempt to call a nil value; debug.sethook
return { ban = function(event, payload)
  debug.sethook()
end }
