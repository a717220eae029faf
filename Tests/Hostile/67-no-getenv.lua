-- expect: error: attempt to call a nil value; os.getenv
return { ban = function(event, payload)
  os.getenv("PATH")
end }
