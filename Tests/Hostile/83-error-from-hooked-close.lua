-- expect: error: time limit; an error in __close hides nothing
return { ban = function(event, payload)
  local x <close> = setmetatable({}, { __close = function() error("hidden") end })
  while true do end
end }
