-- expect: error: ; a coroutine closed inside xpcall keeps its message handler in 5.4.4 and may crash: any good word will do
return { ban = function(event, payload)
  for round = 1, 60 do
    local function deep(n)
      if n > 0 then return deep(n - 1) + 1 end
      xpcall(coroutine.yield, function() return {} end)
      return 0
    end
    local co = coroutine.create(function()
      local x <close> = setmetatable({}, { __close = function() error({ {}, {}, {} }) end })
      deep(round * 3)
    end)
    coroutine.resume(co)
    for i = 1, 2000 do local t = { i } end
    pcall(coroutine.close, co)
  end
  error("survived")
end }
