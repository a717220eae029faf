-- expect: error: memory limit (16 MiB); the size overflows
return { ban = function(event, payload)
  return { text = ("x"):rep(1 << 62, "yy") }
end }
