-- expect: ok; the environment has no door
return { ban = function(event, payload)
  for _, name in ipairs({ "io", "package", "load", "loadfile", "dofile", "loadstring", "collectgarbage", "warn", "host" }) do
    assert(_G[name] == nil, name)
  end
  for _, name in ipairs({ "execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale" }) do assert(os[name] == nil, name) end
  for name in pairs(debug) do assert(name == "traceback", name) end
  assert(string.dump == nil and getmetatable("").__index == string)
  assert(not tostring({}):find("0x") and not tostring(print):find("0x") and not ("%s"):format({}):find("0x"))
end }
