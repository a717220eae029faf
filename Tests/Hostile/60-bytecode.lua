Lua -- expect: error: binary chunk; a compiled chunk
