-- expect: ok; a weak table loses entries to the collector while pairs lists its keys
return { ban = function(event, payload)
  local total = 0
  for round = 1, 30 do
    local count = 200 * round
    local weak, keep = setmetatable({}, { __mode = "k" }), {}
    for i = 1, count do local k = {} weak[k] = i keep[i] = k end
    do local junk = ("\4\0\0\0\0\0\0\0"):rep(count * 6 + 2) end
    keep = nil
    for k, v in pairs(weak) do total = total + 1 end
  end
  payload.text = event.ip .. " " .. total
end }
