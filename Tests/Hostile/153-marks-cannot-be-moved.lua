-- expect: ok; marks cannot be taken off, seen or put on anything else
return { ban = function(event, payload)
  local array, verdict = slack.array({}), slack.mute("x")
  for _, marked in ipairs { array, verdict, payload.attachments } do
    assert(not pcall(setmetatable, marked, nil)) assert(not pcall(setmetatable, marked, {}))
    assert(getmetatable(marked) == false)
    assert(not pcall(setmetatable, {}, getmetatable(marked)))
  end
end }
