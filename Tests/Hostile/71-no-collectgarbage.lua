-- expect: error: attempt to call a nil value; collectgarbage
return { ban = function(event, payload)
  collectgarbage("stop")
end }
