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

/* Makes the environment of a fresh state: the allowed part of Lua's library, ours, and what the
 * prelude's source adds. Calls nothing that depends on an event. May raise. */
void library_open(lua_State *L, struct text prelude);

/* What the library answers from now on, in a state that was opened before. Seeds the generator of
 * random numbers. `surroundings` must outlive the state. May raise. */
void library_use(lua_State *L, const struct surroundings *surroundings);

/* How many verdicts (slack.mute, slack.digest) the script has made since. */
int library_verdicts(void);

/* Pushes the function compiled from source text, never from bytecode; `name` as it stands in error
 * messages. Raises on a syntax error. */
void library_compile(lua_State *L, struct text source, const char *name);
