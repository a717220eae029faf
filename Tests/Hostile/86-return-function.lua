-- expect: error: must return a table or nothing, not a function; wrong type
return { ban = function(event, payload)
  return print
end }
