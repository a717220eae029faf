-- expect: error: ; C calls Lua calls C
return { ban = function(event, payload)
  local function f() return (("x"):gsub("x", f)) end
  return f()
end }
