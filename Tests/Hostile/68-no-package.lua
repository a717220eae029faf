-- expect: error: attempt to index a nil value; package.loadlib
return { ban = function(event, payload)
  package.loadlib("libc.so.6", "system")
end }
