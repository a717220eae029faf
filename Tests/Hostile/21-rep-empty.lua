-- expect: error: memory limit (16 MiB); string.rep of nothing, 2^62 times
return { ban = function(event, payload)
  return { text = (""):rep(1 << 62) }
end }
