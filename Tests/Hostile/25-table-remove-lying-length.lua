-- expect: error: time limit; a C loop
return { ban = function(event, payload)
  table.remove(setmetatable({}, { __len = function() return math.maxinteger - 1 end }), 1)
end }
