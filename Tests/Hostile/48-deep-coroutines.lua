-- expect: error: ; resume in resume
return { ban = function(event, payload)
  local function f() return coroutine.wrap(f)() end
  return f()
end }
