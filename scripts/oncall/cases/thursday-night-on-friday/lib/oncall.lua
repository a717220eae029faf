return {
  -- Friday night, until Saturday morning.
  { days = "fri", from = "22:00", to = "07:00", who = "U012AB3CD" },
}
