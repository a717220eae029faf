-- expect: error: time limit; the same with goto
return { ban = function(event, payload)
  ::again:: goto again
end }
