-- expect: error: xxx; a message of a million bytes
return { ban = function(event, payload)
  error(("x"):rep(1000000))
end }
