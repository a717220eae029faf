-- expect: ok; the address in a menu and in a question, which open only when pressed
return { ban = function(event, payload)
  local function plain(text) return { type = "plain_text", text = text } end
  payload.attachments = nil
  payload.blocks = { { type = "actions", elements = {
    { type = "overflow", action_id = "a", options = { { text = plain(event.ip), value = "v" } } },
    { type = "button", action_id = "b", text = plain("x"),
      confirm = { title = plain("x"), text = plain(event.ip), confirm = plain("x"), deny = plain("x") } },
  } } }
end }
