-- expect: ok; private-use characters by hand are left to the sink
return { ban = function(event, payload)
  payload.text = "\u{E000}raw\u{E001}<!channel>\u{E002}" .. slack.code("\u{E000}`<!here>")
end }
