-- expect: error: memory limit (16 MiB); doubling
return { ban = function(event, payload)
  local s = "x"
  while true do s = s .. s end
end }
