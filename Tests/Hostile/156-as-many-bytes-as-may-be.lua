-- expect: ok; exactly as many bytes as a result may have
return { ban = function(event, payload)
  -- tag 1, count 4, key 4 + 4, tag 1, length 4
  return { text = event.ip .. (" "):rep(262144 - 18 - #event.ip) }
end }
