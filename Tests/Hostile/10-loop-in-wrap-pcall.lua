-- expect: error: time limit; wrap, pcall, again
return { ban = function(event, payload)
  while true do pcall(coroutine.wrap(function() while true do end end)) end
end }
