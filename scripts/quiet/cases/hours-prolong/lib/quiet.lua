return { to = "07:00" }
