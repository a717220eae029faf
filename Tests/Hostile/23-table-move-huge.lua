-- expect: error: time limit; a C loop over nothing
return { ban = function(event, payload)
  table.move({}, 1, math.maxinteger - 1, 2)
end }
