-- expect: error: attempt to call a nil value; os.exit
return { ban = function(event, payload)
  os.exit(0)
end }
