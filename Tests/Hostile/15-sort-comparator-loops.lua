-- expect: error: time limit; code called from a C function
return { ban = function(event, payload)
  table.sort({ 3, 1, 2 }, function() while true do end end)
end }
