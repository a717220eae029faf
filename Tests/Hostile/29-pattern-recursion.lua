-- expect: error: pattern too complex; deep recursion in the matcher
return { ban = function(event, payload)
  return { text = ("a"):rep(300000):match(("a?"):rep(250000)) }
end }
