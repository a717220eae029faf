#pragma once
#include "tree.h"

#include <lua.h>

/* Metatables of marked tables, in the registry. */
#define ARRAY_MARK "slack.array"
#define VERDICT_MARK "slack.verdict"

/* What a result may be. */
struct walk {
  struct bytes *out;
  const char *file;
  int64_t nodes, depth;
};

/* Pushes the value at `at` and moves past it: arrays with their mark; null as slack.null, in the
 * objects of an event as absent. May raise (memory). */
void push_tree(lua_State *L, struct tree *at, bool keep_null);

/* Writes the value on top of the stack, which stays. Raw access only: calls no code of the script.
 * Raises with the path of what cannot be sent, beginning with `name`. */
void write_value(lua_State *L, struct walk *walk, const char *name);

/* Pushes the list of the keys of the table at `index` that are not 1..sequence: numbers, strings,
 * booleans in order, then the others; nil if there is none. May raise (memory). */
void push_sorted_keys(lua_State *L, int index, lua_Integer sequence);

/* How many elements stand in a row from 1. Cannot raise. */
lua_Integer sequence_length(lua_State *L, int index);

/* Whether the value at `index` is a table with this mark. Cannot raise. */
bool has_mark(lua_State *L, int index, const char *mark);
