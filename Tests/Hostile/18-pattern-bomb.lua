-- expect: error: time limit; backtracking inside one C call
return { ban = function(event, payload)
  return (("a"):rep(40) .. "b"):find(("a?"):rep(40) .. ("a"):rep(40) .. "c")
end }
