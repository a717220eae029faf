-- expect: ok; numbers at the ends of what there is
return { ban = function(event, payload)
  payload.attachments[1].fields = { { title = "x", value = { 2 ^ 63, -2 ^ 63, -0.0, 0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, math.maxinteger, math.mininteger, 0.1, 1e15, 1e16, 123456789012345680.0, 2 ^ 53, -2 ^ 53 - 1 } } }
end }
