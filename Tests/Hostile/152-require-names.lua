-- expect: ok; require with names that are paths, patterns, bytes and no names
return { ban = function(event, payload)
  for _, name in ipairs { "", "../x", "/etc/passwd", "x\0y", "x.lua", "%s%s%n", ("x"):rep(1e5), 1, {}, true, print } do
    assert(not pcall(require, name))
  end
  assert(not pcall(require))
end }
