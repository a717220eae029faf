-- expect: error: the result must have named parts; a list
return { ban = function(event, payload)
  return { 1, 2 }
end }
