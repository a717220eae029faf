-- expect: ok; print for ever is cut
return { ban = function(event, payload)
  for i = 1, 10000 do print(i, ("x"):rep(100)) end
end }
