-- expect: error: more text or more values; one byte more than a result may have
return { ban = function(event, payload)
  return { text = ("x"):rep(262144 - 17) }
end }
