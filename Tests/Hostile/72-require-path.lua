-- expect: error: there is no lib/; require of a path
return { ban = function(event, payload)
  require("../../../../etc/passwd")
end }
