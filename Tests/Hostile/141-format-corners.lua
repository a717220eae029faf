-- expect: ok; string.format at its limits
return { ban = function(event, payload)
  local parts = {}
  local function try(...) local good, text = pcall(string.format, ...) parts[#parts + 1] = good and #text or 0 end
  try("%99.99f", 1e308) try("%-99.99f", -1e308) try("%.99g", 5e-324) try("%099d", math.mininteger) try("%.99s", ("x"):rep(1e6))
  try("%100d", 1) try("%.100f", 1) try("%q", 1 / 0) try("%q", 0 / 0) try("%q", math.mininteger) try("%q", "a\0\r\n\"\\") try("%q", {})
  try("%a", 1e308) try("%5c", 0) try("%s", "a\0b") try("%10s", "a\0b") try("%i", 3) try("%y") try("%") try("%%%") try("%1$s", "x") try("%*d", 5, 5)
  try(("%s"):rep(5000), table.unpack({}, 1, 200)) try("%-+ #0000000000000000000000000000d", 1) try("%s") try("%d", "1e1") try("%d", "x") try("%c", 1e9)
  payload.text = event.ip .. " " .. table.concat(parts, " ")
end }
