-- expect: error: memory limit (16 MiB); caught, and the file still counts as failed
return { ban = function(event, payload)
  pcall(function() local s = "x" while true do s = s .. s end end)
  payload.text = "escaped"
end }
