-- expect: error: time limit; the file itself never returns
while true do end
return {}
