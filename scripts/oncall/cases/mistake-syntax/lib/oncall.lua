return {
  { who = "here" }
  { who = "nobody" },
}
