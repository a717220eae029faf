-- expect: ok; a verdict filled with other things than it holds
return { ban = function(event, payload)
  local verdict = slack.digest()
  verdict[1], verdict[2], verdict[3] = {}, print, ("x"):rep(1e6)
  verdict[1] = "digest"
  for i = 4, 50000 do verdict[i] = i end
  verdict.text = "no message"
  return verdict
end }
