-- expect: error: cannot change a protected metatable; the mark of lists
return { ban = function(event, payload)
  setmetatable(payload.attachments, {})
end }
