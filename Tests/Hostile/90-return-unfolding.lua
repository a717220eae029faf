-- expect: error: more text or more values; 41 tables unfold to 2^40
return { ban = function(event, payload)
  local t = { x = 1 }
  for _ = 1, 25 do t = { a = t, b = t } end
  return t
end }
