-- expect: ok; what one file does to the libraries stays in it
return { ban = function(event, payload)
  string.format = nil
  table.concat = nil
  getmetatable("").__index = nil
  pairs = nil
  slack.code = nil
  _G.print = nil
end }
