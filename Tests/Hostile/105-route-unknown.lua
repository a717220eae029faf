-- expect: error: there is no destination; a name that the config does not have
return { ban = function(event, payload)
  return payload, { to = { "https://evil.example" } }
end }
