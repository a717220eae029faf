-- expect: error: too many results to unpack; a stack of a thousand million
return { ban = function(event, payload)
  return { text = select("#", table.unpack({}, 1, 1e9)) }
end }
