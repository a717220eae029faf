-- expect: ok; a table that looks like a verdict is only a table
return { ban = function(event, payload)
  return { "muted", "because", "somewhere" , } and { text = "no verdict" }
end }
