return { { who = "alice" } }
