return { { severty = "critical", who = "here" } }
