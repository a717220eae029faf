-- expect: error: attempt to call a nil value; string.dump
return { ban = function(event, payload)
  string.dump(function() end)
end }
