-- expect: error: memory limit (16 MiB); a list that grows
return { ban = function(event, payload)
  local t = {}
  while true do t[#t + 1] = { #t } end
end }
