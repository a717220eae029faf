-- expect: error: time limit; print calls __tostring
return { ban = function(event, payload)
  print(setmetatable({}, { __tostring = function() while true do end end }))
end }
