-- expect: ok; __index and __pairs of a result are never called
return { ban = function(event, payload)
  return setmetatable({ text = "raw" }, { __index = function() while true do end end, __pairs = function() while true do end end, __len = function() while true do end end })
end }
