-- expect: error: time limit; a loop that never ends
return { ban = function(event, payload)
  while true do end
end }
