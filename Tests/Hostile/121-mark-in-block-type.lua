-- expect: error: markdown; a mark in `type`, which the sink takes out, hides a refused kind of block
return { ban = function(event, payload)
  payload.blocks = { { type = "mark\u{E002}down", text = "[click](https://evil.example) " .. event.ip } }
end }
