local check = require "check"
local is, fails = check.is, check.fails

local network = "must be an address or network such as 198.51.100.0/24, not "

local function version()
  local addresses = {
    [4] = {
      "203.0.113.7", "0.0.0.0", "255.255.255.255", "203.0.113.0/24", "1.2.3.4/32", "1.2.3.4/0",
      "::ffff:203.0.113.7", "::FFFF:cb00:7107", "::ffff:203.0.113.0/120",
    },
    [6] = {
      "::", "::1", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
      "fe80::1%eth0", "fe80::1%br-lan.5/64", "64:ff9b::192.0.2.1", "::ffff:0:0/95", "2001:db8::/32",
    },
  }
  for number, list in pairs(addresses) do
    for _, address in ipairs(list) do is({ address, ip.version(address) }, { address, number }) end
  end
  for _, text in ipairs {
    "", " ", "sshd", "203.0.113", "203.0.113.7.8", "203.0.113.256", "203.0.113.07", "203.0.113.7/33",
    "203.0.113.7/", "203.0.113.7/-1", "203.0.113.7/x", "203.0.113.7/24/24", " 203.0.113.7", "203.0.113.7 ",
    "203.0.113.7\n", "203.0.113.7%eth0", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::", "12345::", "g::", "::1.2.3", "::1/129", "::1/0001", "fe80::1%", "fe80::1eth0",
    "fe80::1%*bold*", "fe80::1%<!here>", "fe80::1%" .. ("x"):rep(99), "1.2.3.4 <!channel>", ("1"):rep(9999),
  } do
    is({ text, ip.version(text) }, { text })
  end
  is(ip.version(), nil)
  is(ip.version(5), nil)
  is(ip.version({}), nil)
end

local function within()
  is(ip.within("198.51.100.7", "198.51.100.0/24"), true)
  is(ip.within("198.51.101.7", "198.51.100.0/24"), false)
  is(ip.within("198.51.100.7", "198.51.100.7"), true)
  is(ip.within("198.51.100.7", "0.0.0.0/0"), true)
  is(ip.within("198.51.100.7", "198.51.100.99/24"), true)
  is(ip.within("198.51.100.7", "192.0.2.0/24", "198.51.100.0/24"), true)
  is(ip.within("198.51.100.7", { "192.0.2.0/24", "198.51.100.0/24" }), true)
  is(ip.within("198.51.100.7", "192.0.2.1", { "198.51.100.7" }), true)
  is(ip.within("198.51.100.0/25", "198.51.100.0/24"), true)
  is(ip.within("198.51.100.0/23", "198.51.100.0/24"), false)
  is(ip.within("2001:db8:0:1::5", "2001:db8::/32"), true)
  is(ip.within("2001:db9::5", "2001:db8::/32"), false)
  is(ip.within("2001:db8::5", "2001:db8::/64"), true)
  is(ip.within("2001:db8::5", "2001:db8::4/127"), true)
  is(ip.within("2001:db8::6", "2001:db8::4/127"), false)
  is(ip.within("::ffff:198.51.100.7", "198.51.100.0/24"), true)
  is(ip.within("198.51.100.7", "::ffff:198.51.100.0/120"), true)
  is(ip.within("198.51.100.7", "::/0"), false)
  is(ip.within("fe80::1%eth0", "fe80::/10"), true)
  -- Nothing to be in, and what is no address.
  is(ip.within("198.51.100.7"), false)
  is(ip.within("198.51.100.7", {}), false)
  is(ip.within("198.51.100.7", false), false)
  is(ip.within("198.51.100.7", false, "198.51.100.0/24"), true)
  is(ip.within("no address", "0.0.0.0/0", "::/0"), false)
  is(ip.within(nil, "0.0.0.0/0"), false)
  is(ip.within(5, "0.0.0.0/0"), false)
  fails("ip.within: network 1 " .. network .. "nil", function() return ip.within("198.51.100.7", nil) end)
  fails("ip.within: network 2 " .. network .. "'198.51.100'", function() ip.within("198.51.100.7", "192.0.2.1", "198.51.100") end)
  fails("ip.within: network 1 " .. network .. "'x'", function() return ip.within("no address", "x") end)
  fails("ip.within: network 1 " .. network .. "true", function() return ip.within("198.51.100.7", { true }) end)
  fails("ip.within: network 1 " .. network .. "true", function() return ip.within("198.51.100.7", true) end)
  fails("ip.within: network 1 must be a list { a, b, … }; it has the key a", function() return ip.within("198.51.100.7", { a = "x" }) end)
end

local function is_private()
  for _, address in ipairs {
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.1.1", "100.64.0.1",
    "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "10.0.0.0/8",
  } do
    is({ address, ip.is_private(address) }, { address, true })
  end
  for _, address in ipairs {
    "203.0.113.7", "172.32.0.1", "11.0.0.1", "2001:db8::1", "::2", "0.0.0.0/0", "no address", "",
  } do
    is({ address, ip.is_private(address) }, { address, false })
  end
  is(ip.is_private(nil), false)
end

return function(_, payload)
  version()
  within()
  is_private()
  payload.text = check.done()
end
