-- expect: error: there is no lib/; require of a C module
return { ban = function(event, payload)
  require("socket")
end }
