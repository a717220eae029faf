-- expect: error: :3:; a syntax error
return {
  ban = function( end
}
