-- expect: error: first second; line ends and control characters in the message
return { ban = function(event, payload)
  error("first\nsecond\27[31m\0\u{202E}", 0)
end }
