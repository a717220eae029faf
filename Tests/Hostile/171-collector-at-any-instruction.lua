-- expect: ok; memory stays at its limit, so that the collector runs at instructions of every kind
return { ban = function(event, payload)
  local ballast = {}
  for n = 1, 15 do ballast[n] = ("x"):rep(1040000) .. n end
  local function junk(n) return ("y"):rep(30000 + n) end
  local function many(n) return junk(n), { n }, "s" .. n, junk(n + 1), { n, { n } } end
  local function fresh(_, key) return { key, junk(2) } end
  local meta = { __index = fresh, __call = function(_, n) return many(n) end, __close = function() junk(6) end }
  meta.__concat = function() return junk(1):sub(1, 3) end
  meta.__eq = function() return #junk(3) > 0 end
  meta.__lt = function() return #junk(4) > 0 end
  local function new() return setmetatable({}, meta) end
  for i = 1, 8 do
    local object <close> = new()
    local list, packed = { many(i) }, table.pack(object(i))
    assert(list[2][1] == i and list[3] == "s" .. i and packed.n == 5 and packed[5][1] == i)
    assert(select("#", many(i), many(i)) == 6 and "a" .. i .. object == "ayyy")
    assert(object.key[1] == "key" and object < new() and object == new())
    local a, b = (function(...) local x, y = ... return function() return x, i end end)({ i }, junk(i))()
    assert(a[1] == i and b == i)
    for text, made in coroutine.wrap(function() for j = 1, 3 do coroutine.yield(junk(j), { j }) end end) do
      assert(#text > 30000 and made[1] <= 3)
    end
  end
end }
