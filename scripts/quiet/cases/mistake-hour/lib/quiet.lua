return { from = "22h", to = "07:00" }
