-- expect: error: time limit; a C loop with __index
return { ban = function(event, payload)
  table.concat(setmetatable({}, { __len = function() return math.maxinteger end, __index = function() return "" end }))
end }
