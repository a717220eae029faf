-- expect: error: memory limit (16 MiB); the stack is memory, and its limit cannot be caught
return { ban = function(event, payload)
  local function f() return 1 + f() end
  local fine = pcall(f)
  payload.text = tostring(fine)
end }
