-- expect: error: time limit; backreferences and frontiers without an end
return { ban = function(event, payload)
  local text = ("a"):rep(60000)
  string.find(text, "(.-)(.-)(.-)%f[%z]%1%2%3b")
end }
