-- expect: error: time limit; an iterator that never ends
return { ban = function(event, payload)
  for _ in function() return 1 end do end
end }
