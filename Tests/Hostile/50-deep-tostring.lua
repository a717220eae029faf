-- expect: error: ; __tostring of itself
return { ban = function(event, payload)
  local t = {}
  setmetatable(t, { __tostring = function() return tostring(t) end })
  return { text = tostring(t) }
end }
