-- expect: error: unknown key; only to and thread
return { ban = function(event, payload)
  return payload, { url = "https://evil.example" }
end }
