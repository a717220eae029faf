-- expect: error: attempt to index a nil value; io
return { ban = function(event, payload)
  io.open("/etc/passwd")
end }
