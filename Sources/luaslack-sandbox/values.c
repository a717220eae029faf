/* Between Lua's tables and the tree codec: pushes what the job holds, walks what a script returned.
 * Runs inside the protected call only; never reads a value through a metamethod. */
#include "values.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- tree to Lua ------------------------------------------------------------------------- */

static void push_array(lua_State *L, struct tree *at, bool keep_null) {
  uint32_t count = tree_open(at);
  lua_createtable(L, (int)count, 0);
  for (uint32_t i = 1; i <= count; i++) {
    push_tree(L, at, keep_null);
    lua_rawseti(L, -2, i);
  }
  luaL_setmetatable(L, ARRAY_MARK);
}

static void push_object(lua_State *L, struct tree *at, bool keep_null) {
  uint32_t count = tree_open(at);
  lua_createtable(L, 0, (int)count);
  for (; count > 0; count--) {
    struct text key = tree_key(at);
    if (tree_tag(*at) == TAG_NULL && !keep_null) {
      at->at++;
      continue;
    }
    lua_pushlstring(L, key.bytes, key.count);
    push_tree(L, at, keep_null);
    lua_rawset(L, -3);
  }
}

void push_tree(lua_State *L, struct tree *at, bool keep_null) {
  luaL_checkstack(L, 4, NULL);
  switch (tree_tag(*at)) {
    case TAG_ARRAY: push_array(L, at, keep_null); return;
    case TAG_OBJECT: push_object(L, at, keep_null); return;
    case TAG_STRING: {
      at->at++;
      struct text text = tree_key(at);
      lua_pushlstring(L, text.bytes, text.count);
      return;
    }
    case TAG_INT: at->at++, lua_pushinteger(L, (lua_Integer)tree_number(at, 8)); return;
    case TAG_FLOAT: {
      at->at++;
      uint64_t bits = tree_number(at, 8);
      double number;
      memcpy(&number, &bits, sizeof number);
      lua_pushnumber(L, number);
      return;
    }
    case TAG_NULL: lua_pushlightuserdata(L, NULL); break;
    default: lua_pushboolean(L, tree_tag(*at) == TAG_TRUE);
  }
  at->at++;
}

/* --- keys in order ----------------------------------------------------------------------- */

struct key {
  int rank;
  lua_Integer place, integer;
  lua_Number number;
  const char *text;
  size_t count;
};

static bool is_sequence_key(lua_State *L, int index, lua_Integer sequence) {
  if (!lua_isinteger(L, index)) return false;
  lua_Integer key = lua_tointeger(L, index);
  return key >= 1 && key <= sequence;
}

static int compare(const struct key *a, const struct key *b) {
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->rank == LUA_TSTRING) {
    int order = memcmp(a->text, b->text, a->count < b->count ? a->count : b->count);
    return order ? order : (a->count > b->count) - (a->count < b->count);
  }
  if (a->number != b->number) return a->number < b->number ? -1 : 1;
  return (a->integer > b->integer) - (a->integer < b->integer);
}

/* Heapsort: in place, never slow; glibc's qsort makes system calls that the process may not. */
static void sort(struct key *keys, size_t count) {
  for (size_t start = count / 2, end = count; end > 1;) {
    struct key moved;
    if (start > 0) {
      moved = keys[--start];
    } else {
      moved = keys[--end];
      keys[end] = keys[0];
    }
    size_t root = start;
    for (size_t child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && compare(&keys[child], &keys[child + 1]) < 0) child++;
      if (compare(&moved, &keys[child]) >= 0) break;
      keys[root] = keys[child];
    }
    keys[root] = moved;
  }
}

/* Numbers, strings, booleans, the rest. The key is on top of the stack. Cannot raise. */
static struct key describe(lua_State *L, lua_Integer place) {
  struct key key = {.rank = 100, .place = place};
  switch (lua_type(L, -1)) {
    case LUA_TNUMBER:
      key.rank = 0;
      key.number = lua_tonumber(L, -1);
      key.integer = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
      break;
    case LUA_TSTRING:
      key.rank = LUA_TSTRING;
      key.text = lua_tolstring(L, -1, &key.count);
      break;
    case LUA_TBOOLEAN:
      key.rank = 50;
      key.integer = lua_toboolean(L, -1);
  }
  return key;
}

void push_sorted_keys(lua_State *L, int index, lua_Integer sequence) {
  luaL_checkstack(L, 8, NULL);
  index = lua_absindex(L, index);
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    count += !is_sequence_key(L, -2, sequence);
  lua_pushnil(L);
  if (count == 0) return;
  lua_createtable(L, (int)count, 0);
  lua_createtable(L, (int)count, 0);
  struct key *keys = lua_newuserdatauv(L, (size_t)count * sizeof *keys, 0);
  lua_Integer used = 0;
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pop(L, 1);
    if (is_sequence_key(L, -1, sequence)) continue;
    keys[used] = describe(L, used + 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -4, ++used); /* the list in the table's own order keeps the strings alive */
    if (used == count) {
      lua_pop(L, 1);
      break;
    }
  }
  /* Fewer than were counted, if the collector has emptied a weak table in between. */
  sort(keys, (size_t)used);
  for (lua_Integer i = 0; i < used; i++) {
    lua_rawgeti(L, -2, keys[i].place);
    lua_rawseti(L, -4, i + 1);
  }
  lua_pop(L, 2);
  lua_replace(L, -2);
}

lua_Integer sequence_length(lua_State *L, int index) {
  lua_Integer count = 0;
  while (lua_rawgeti(L, index, count + 1) != LUA_TNIL) {
    lua_pop(L, 1);
    count++;
  }
  lua_pop(L, 1);
  return count;
}

bool has_mark(lua_State *L, int index, const char *mark) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, mark);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* --- Lua to tree ------------------------------------------------------------------------- */

/* One step of the way from the result to a value: a key, or an index if there is none. */
struct path {
  const struct path *parent;
  const void *table;
  struct text key;
  lua_Integer index;
};

static size_t print_path(const struct path *path, char *out, size_t count) {
  size_t used = path->parent ? print_path(path->parent, out, count) : 0;
  if (used + 1 >= count) return used;
  const char *key = path->key.bytes;
  bool plain = key && path->key.count < 64;
  for (size_t i = 0; plain && i < path->key.count; i++)
    plain = key[i] == '_' || (key[i] >= '0' && key[i] <= '9') ||
            ((key[i] | 32) >= 'a' && (key[i] | 32) <= 'z');
  const char *format = !key ? "[%lld]" : plain ? (used ? ".%.*s" : "%.*s") : "[\"%.*s\"]";
  int width = path->key.count < 64 ? (int)path->key.count : 64;
  int more = key ? snprintf(out + used, count - used, format, width, key)
                 : snprintf(out + used, count - used, format, (long long)path->index);
  return used + (size_t)more < count ? used + (size_t)more : count - 1;
}

static const char too_large[] = "more text or more values than a result may have";

/* Raises "file: path: problem". */
static _Noreturn void refuse(
    lua_State *L, const struct walk *walk, const struct path *path, const char *problem) {
  char place[300] = "";
  print_path(path, place, sizeof place);
  lua_pushfstring(L, "%s: %s: %s", walk->file, place[0] ? place : "the payload", problem);
  lua_error(L);
  __builtin_unreachable();
}

static void write_node(lua_State *L, struct walk *walk, const struct path *path);

static void write_array(
    lua_State *L, struct walk *walk, const struct path *path, lua_Integer count) {
  put_count(walk->out, TAG_ARRAY, (size_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    write_node(L, walk, &(struct path){path, NULL, {NULL, 0}, i});
    lua_pop(L, 1);
  }
}

/* Slack knows no other; and to Swift two keys of other characters may be the same one. */
static bool is_plain_key(struct text key) {
  for (size_t i = 0; i < key.count; i++)
    if (key.bytes[i] < 0x20 || key.bytes[i] > 0x7e) return false;
  return key.count <= 255;
}

/* The list of keys is on top, the table below it. */
static void write_object(lua_State *L, struct walk *walk, const struct path *path) {
  size_t count = lua_isnil(L, -1) ? 0 : lua_rawlen(L, -1);
  put_count(walk->out, TAG_OBJECT, count);
  for (size_t i = 1; i <= count; i++) {
    struct path member = {.parent = path};
    lua_rawgeti(L, -1, (lua_Integer)i);
    if (lua_type(L, -1) != LUA_TSTRING)
      refuse(L, walk, path, "a list with a hole, or a table with keys of two kinds");
    member.key.bytes = lua_tolstring(L, -1, &member.key.count);
    if (!is_plain_key(member.key))
      refuse(L, walk, path, "a key must be plain ASCII of at most 255 characters");
    put_text(walk->out, member.key.bytes, member.key.count);
    lua_pushvalue(L, -1);
    lua_rawget(L, -4);
    write_node(L, walk, &member);
    lua_pop(L, 2);
  }
}

static void write_table(lua_State *L, struct walk *walk, const struct path *path) {
  struct path here = *path;
  here.table = lua_topointer(L, -1);
  int64_t depth = 1;
  for (const struct path *above = path->parent; above; above = above->parent, depth++)
    if (above->table == here.table) refuse(L, walk, path, "the table contains itself");
  if (depth > walk->depth) refuse(L, walk, path, "nested too deeply");
  if (has_mark(L, -1, VERDICT_MARK))
    refuse(L, walk, path, "slack.mute() and slack.digest() must be returned on their own");
  lua_Integer count = sequence_length(L, -1);
  push_sorted_keys(L, -1, count);
  bool is_array = count > 0 || has_mark(L, -2, ARRAY_MARK);
  if (is_array && !lua_isnil(L, -1))
    refuse(L, walk, path, "a list with a hole, or a table with keys of two kinds");
  if (is_array) {
    lua_pop(L, 1);
    write_array(L, walk, &here, count);
  } else {
    write_object(L, walk, &here);
    lua_pop(L, 1);
  }
}

static void write_number(lua_State *L, struct walk *walk, const struct path *path) {
  if (lua_isinteger(L, -1)) {
    put_tag(walk->out, TAG_INT);
    put_number(walk->out, (uint64_t)lua_tointeger(L, -1), 8);
    return;
  }
  double number = lua_tonumber(L, -1);
  if (!isfinite(number)) refuse(L, walk, path, "NaN or infinity cannot be sent");
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  put_tag(walk->out, TAG_FLOAT);
  put_number(walk->out, bits, 8);
}

static void write_node(lua_State *L, struct walk *walk, const struct path *path) {
  luaL_checkstack(L, 8, NULL);
  if (walk->nodes-- <= 0 || walk->out->overflow) refuse(L, walk, path, too_large);
  switch (lua_type(L, -1)) {
    case LUA_TNIL: put_tag(walk->out, TAG_NULL); return;
    case LUA_TBOOLEAN: put_tag(walk->out, lua_toboolean(L, -1) ? TAG_TRUE : TAG_FALSE); return;
    case LUA_TNUMBER: write_number(L, walk, path); return;
    case LUA_TTABLE: write_table(L, walk, path); return;
    case LUA_TSTRING: {
      struct text text;
      text.bytes = lua_tolstring(L, -1, &text.count);
      put_tag(walk->out, TAG_STRING);
      put_text(walk->out, text.bytes, text.count);
      return;
    }
    case LUA_TLIGHTUSERDATA: put_tag(walk->out, TAG_NULL); return;
    default: break;
  }
  char problem[64];
  snprintf(problem, sizeof problem, "a %s cannot be sent", luaL_typename(L, -1));
  refuse(L, walk, path, problem);
}

void write_value(lua_State *L, struct walk *walk, const char *name) {
  struct path root = {.key = {name, strlen(name)}};
  write_node(L, walk, &root);
  if (walk->out->overflow) refuse(L, walk, &root, too_large);
}
