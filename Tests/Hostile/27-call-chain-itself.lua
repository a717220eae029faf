-- expect: error: ; a value that is its own __call
return { ban = function(event, payload)
  local t = {}
  setmetatable(t, { __call = t })
  t()
end }
