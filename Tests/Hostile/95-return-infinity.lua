-- expect: error: text: NaN or infinity cannot be sent; infinity
return { ban = function(event, payload)
  payload.text = math.huge
end }
