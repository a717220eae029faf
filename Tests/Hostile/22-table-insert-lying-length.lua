-- expect: error: time limit; a __len that lies
return { ban = function(event, payload)
  table.insert(setmetatable({}, { __len = function() return math.maxinteger - 1 end }), 1, "x")
end }
