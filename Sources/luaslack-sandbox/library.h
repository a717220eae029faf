#pragma once
#include "tree.h"

#include <lua.h>

/* What the library needs of the job. */
struct surroundings {
  struct tree libraries;
  int64_t now, seed;
  /* What print writes: valid UTF-8, the rest left out. */
  struct bytes *output;
};

/* Makes the environment of a fresh state: the allowed part of Lua's library and ours. Pushes the
 * table of primitives for prelude.lua. May raise. */
void library_open(lua_State *L, const struct surroundings *surroundings);

/* Pushes the function compiled from source text, never from bytecode; `name` as it stands in error
 * messages. Raises on a syntax error. */
void library_compile(lua_State *L, struct text source, const char *name);

/* Pushes the prelude's function. It is compiled once and kept as bytecode, the only one ever loaded:
 * compiling takes longer than all else that a small formatter needs. May raise. */
void library_prelude(lua_State *L, struct text source);
