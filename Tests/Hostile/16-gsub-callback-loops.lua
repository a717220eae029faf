-- expect: error: time limit; code called from a C function
return { ban = function(event, payload)
  ("aaa"):gsub("a", function() while true do end end)
end }
