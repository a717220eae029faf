-- expect: ok; invalid bytes become U+FFFD
return { ban = function(event, payload)
  payload.text = "a\xffb\xc0\x80c\xed\xa0\x80d\xf5\x80\x80\x80"
end }
