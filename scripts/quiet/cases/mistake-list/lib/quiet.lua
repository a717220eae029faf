return { lists = { "scaners" } }
