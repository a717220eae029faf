-- expect: error: time limit; .-.-.-
return { ban = function(event, payload)
  return (("a"):rep(3000)):find((".-"):rep(8) .. "b")
end }
