-- expect: error: a.a: the table contains itself; a cycle
return { ban = function(event, payload)
  local t = {}
  t.a = { a = t }
  return t
end }
