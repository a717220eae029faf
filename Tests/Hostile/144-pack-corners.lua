-- expect: ok; string.pack and unpack with sizes that overflow
return { ban = function(event, payload)
  for _, form in ipairs { "i17", "i0", "!17", "!3 Xi4", "c999", "s16", "s1", "z", "X", "Xz", "!16 i16", "j", "n", "<>=!", ("s4"):rep(1000), "I9999999999999999999", ("!1 Xd"):rep(100) } do
    pcall(string.pack, form, ("x"):rep(300), 1, 2) pcall(string.packsize, form)
    for _, data in ipairs { "", "\255\255\255\255", ("\255"):rep(16), ("\0"):rep(64) } do pcall(string.unpack, form, data) pcall(string.unpack, form, data, -1) end
  end
end }
