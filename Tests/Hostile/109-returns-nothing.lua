-- expect: error: must return a table of handlers; no return
local x = 1
