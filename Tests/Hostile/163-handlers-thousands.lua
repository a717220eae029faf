-- expect: ok; thousands of handlers with names of a kilobyte
local handlers = {}
for i = 1, 1000 do handlers[("\xff\n<"):rep(300) .. i] = function() error("x") end end
handlers[1], handlers[true], handlers[handlers] = 1, 2, 3
return handlers
