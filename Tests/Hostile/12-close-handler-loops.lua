-- expect: error: time limit; __close runs while the limit error unwinds
return { ban = function(event, payload)
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  while true do end
end }
