return {
  lists = { "scanners", "crawlers" },
  from = "22:00", to = "07:00",
}
