-- expect: error: memory limit (16 MiB); one huge string
return { ban = function(event, payload)
  return { text = ("x"):rep(1e9) }
end }
