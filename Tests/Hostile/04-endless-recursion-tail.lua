-- expect: error: time limit; tail calls use no stack
return { ban = function(event, payload)
  local function f() return f() end
  return f()
end }
