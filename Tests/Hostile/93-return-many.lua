-- expect: error: more text or more values; 100,000 values
return { ban = function(event, payload)
  for i = 1, 100000 do payload.attachments[i] = i end
end }
