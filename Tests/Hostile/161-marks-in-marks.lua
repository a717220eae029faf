-- expect: ok; marks within marks, half marks, and marks cut by truncate
return { ban = function(event, payload)
  local O, S, C = "\u{E000}", "\u{E001}", "\u{E002}"
  local link = slack.link("https://example.org/" .. O, O .. "raw" .. S .. "<!channel>" .. C)
  payload.text = event.ip .. O .. "link" .. S .. O .. "raw" .. S .. "<!here>" .. C .. C .. slack.truncate(link .. link, 5) .. S .. C .. C .. O .. O .. "mention" .. S .. "everyone" .. S .. S .. C .. "\xEE\x80" .. link:sub(1, -2) .. O .. "date" .. S .. "9e99" .. S .. C .. O .. "link" .. S .. "javascript:x" .. S .. "y" .. C
end }
