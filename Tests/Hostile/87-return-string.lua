-- expect: error: must return a table or nothing, not a string; wrong type
return { ban = function(event, payload)
  return "text"
end }
