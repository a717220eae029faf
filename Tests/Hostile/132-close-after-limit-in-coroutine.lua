-- expect: error: time limit; what a coroutine closes when the limit has ended it runs without hooks
return { ban = function(event, payload)
  local function run()
    local x <close> = setmetatable({}, { __close = function() while true do end end })
    while true do end
  end
  for i = 1, 10 do pcall(coroutine.wrap(run)) end
end }
