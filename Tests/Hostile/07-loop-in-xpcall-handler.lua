-- expect: error: time limit; the handler loops too
return { ban = function(event, payload)
  xpcall(function() while true do end end, function() while true do end end)
end }
