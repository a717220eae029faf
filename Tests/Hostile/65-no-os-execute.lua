-- expect: error: attempt to call a nil value; os.execute
return { ban = function(event, payload)
  os.execute("id")
end }
