-- expect: error: ; string.format cannot be made to fill memory
return { ban = function(event, payload)
  return { text = ("%999999999d"):format(1) }
end }
