-- expect: error: text: NaN or infinity cannot be sent; NaN
return { ban = function(event, payload)
  payload.text = 0 / 0
end }
