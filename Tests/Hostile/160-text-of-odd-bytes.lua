-- expect: ok; text with NUL, lone continuation bytes, surrogates and what is beyond Unicode
return { ban = function(event, payload)
  payload.text = event.ip .. "\0\x80\xff\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\u{7FFFFFFF}" .. string.char(1, 2, 3, 27, 127)
end }
