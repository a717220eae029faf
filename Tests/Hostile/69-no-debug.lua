-- expect: error: attempt to call a nil value; debug.getregistry
return { ban = function(event, payload)
  debug.getregistry()
end }
