-- expect: ok; text, blocks and attachments of every wrong kind
return { ban = function(event, payload)
  return { text = { event.ip }, blocks = event.ip, attachments = 5, username = { 1 }, icon_emoji = false, mrkdwn = "x" }
end }
