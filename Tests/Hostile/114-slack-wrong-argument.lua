-- expect: error: slack.link: url must be an address with https://; the formatter's line is named
return { ban = function(event, payload)
  return slack.message{ text = slack.link("javascript:alert(1)") }
end }
