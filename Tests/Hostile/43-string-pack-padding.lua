-- expect: error: memory limit (16 MiB); padding to a thousand million bytes
return { ban = function(event, payload)
  return { text = string.pack("c1000000000", "x") }
end }
