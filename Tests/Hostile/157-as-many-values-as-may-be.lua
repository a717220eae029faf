-- expect: ok; exactly as many values as a result may have
return { ban = function(event, payload)
  local list = {}
  for i = 1, 20000 - 4 do list[i] = i end
  return { text = event.ip, attachments = { list } }
end }
