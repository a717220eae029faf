-- expect: ok; groups by hand without arguments, where Slack reads no markup
return { ban = function(event, payload)
  for _, kind in ipairs { "link", "date", "mention", "raw", "channel", "" } do
    local group = "\u{E000}" .. kind .. "\u{E002}"
    payload.attachments[1].color = group
    payload.icon_emoji = group
    payload.text = event.ip .. group
    payload.blocks = { { type = "header", text = { type = "plain_text", text = group } } }
  end
end }
