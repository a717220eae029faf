-- expect: error: ?; a message that is not UTF-8
return { ban = function(event, payload)
  error("\xff\xfe\x80", 0)
end }
