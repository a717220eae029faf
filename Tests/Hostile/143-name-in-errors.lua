-- expect: error: bad argument #1 to 'rep'; a megabyte of line ends and markup as __name
return { ban = function(event, payload)
  local x = setmetatable({}, { __name = ("<!channel>\n```\n"):rep(70000) })
  string.rep(x, 2)
end }
