return {
  { jail = "backup-*", who = "nobody" },
  { jail = "sshd", severity = "warning", from = "22:00", to = "07:00", who = "U012AB3CD" },
  { jail = "nginx-*", days = { "sat", "sun" }, who = { "S012AB3CD", "U034EF5GH" } },
  { severity = "critical", who = "here" },
}
