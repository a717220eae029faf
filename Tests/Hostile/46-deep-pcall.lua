-- expect: error: ; pcall in pcall
return { ban = function(event, payload)
  local function f() return pcall(f) end
  return f()
end }
