-- expect: error: attempt to call a nil value; the string metatable has the same library
return { ban = function(event, payload)
  (getmetatable("").__index.dump)(print)
end }
