-- expect: ok; the address in what a reader does not see: the target of a link, the fallback of a date
return { ban = function(event, payload)
  payload.attachments = nil
  payload.text = slack.link("https://" .. event.ip .. "/", "here") .. slack.date(0, "{date}", event.ip)
    .. slack.raw("<@U012AB3CD|") .. event.ip .. slack.raw(">")
end }
