-- expect: error: must be a function; a handler that is text
return { ban = "text" }
