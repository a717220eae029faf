-- expect: error: ; a handler that fails
return { ban = function(event, payload)
  local function handler() error(handler) end
  xpcall(error, handler, "x")
  error("still here")
end }
