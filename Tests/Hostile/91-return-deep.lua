-- expect: error: nested too deeply; 33 levels
return { ban = function(event, payload)
  local t = {}
  for _ = 1, 33 do t = { a = t } end
  return t
end }
