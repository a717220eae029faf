-- expect: error: ; not a tail call
return { ban = function(event, payload)
  local function f() return 1 + f() end
  return f()
end }
