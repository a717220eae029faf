/* The library that scripts see: an allow-list of Lua's own, and replacements for what could escape a
 * limit, show an address or depend on the moment. What is not named here does not exist. */
#include "library.h"

#include "guard.h"
#include "values.h"
#include "weak.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

/* Left out of the base library: dofile, loadfile, load (files, bytecode, compiling without limits),
 * collectgarbage, warn. Of string: dump. Of os: all but the time. Of debug: all but traceback. */
static const struct {
  const char *name;
  lua_CFunction open;
  const char *allowed;
} libraries[] = {
    {"coroutine", luaopen_coroutine, "close create isyieldable resume running status wrap yield"},
    {"string", luaopen_string, "byte char find format gmatch gsub len lower match pack packsize rep "
                               "reverse sub unpack upper"},
    {"table", luaopen_table, "concat insert move pack remove sort unpack"},
    {"utf8", luaopen_utf8, "char charpattern codepoint codes len offset"},
    {"math", luaopen_math, "abs acos asin atan ceil cos cosh deg exp floor fmod frexp huge ldexp log "
                           "log10 max maxinteger min mininteger modf pi pow rad random randomseed "
                           "sin sinh sqrt tan tanh tointeger type ult"},
    {"os", luaopen_os, "clock date difftime time"},
    {"debug", luaopen_debug, "traceback"},
};
static const char base_allowed[] =
    "_VERSION assert error getmetatable ipairs next rawequal rawget rawlen rawset select tonumber "
    "type";

/* Lua's own functions behind ours. Called in place, so that their errors name the right line. */
static struct {
  lua_CFunction rep, format, date, time, resume, close, traceback;
} stock;
static const struct surroundings *around;
static int verdicts;

/* --- errors: no limit can be caught ------------------------------------------------------- */

/* Continues a protected call; the stack holds true and the results, or the error on top. */
static int finish_call(lua_State *L, int status, lua_KContext extra) {
  guard_recheck(L);
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)extra;
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

static int guarded_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  return finish_call(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call), 0);
}

/* The script's handler, upvalue 1. After a limit it does not run: hooks are off while it does. */
static int guarded_handler(lua_State *L) {
  if (guard_tripped()) return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

static int guarded_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  int arguments = lua_gettop(L) - 2;
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, guarded_handler, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  return finish_call(L, lua_pcallk(L, arguments, LUA_MULTRET, 2, 2, finish_call), 2);
}

static int guarded_resume(lua_State *L) {
  lua_State *before = guard_switch(lua_tothread(L, 1) ? lua_tothread(L, 1) : L);
  int count = stock.resume(L);
  guard_switch(before);
  guard_recheck(L);
  return count;
}

static int guarded_close(lua_State *L) {
  int count = stock.close(L);
  guard_recheck(L);
  return count;
}

/* A finalizer would run with hooks off, and after the end of the script. */
static int guarded_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "__gc is not allowed");
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

static int guarded_traceback(lua_State *L) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  return stock.traceback(L);
}

/* --- text without addresses --------------------------------------------------------------- */

/* Pushes the text of a value; may call __tostring, may raise. */
static const char *push_text(lua_State *L, int index, size_t *count) {
  int type = lua_type(L, index);
  if (type == LUA_TLIGHTUSERDATA) return lua_pushliteral(L, "null");
  if (type <= LUA_TSTRING) return luaL_tolstring(L, index, count);
  index = lua_absindex(L, index);
  if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL)
    return lua_pushstring(L, lua_typename(L, type));
  lua_pop(L, 1);
  return luaL_tolstring(L, index, count);
}

static int plain_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  push_text(L, 1, NULL);
  return 1;
}

static int guarded_format(lua_State *L) {
  int argument = 1;
  size_t count;
  const char *at = luaL_checklstring(L, 1, &count), *end = at + count;
  for (; (at = memchr(at, '%', (size_t)(end - at))); at++) {
    if (*++at == '%') continue; /* at the end stands a 0 */
    argument++;
    at += strspn(at, "-+ #0123456789.");
    if (*at == 'p') return luaL_error(L, "string.format: %%p is not allowed");
    if (*at == 's' && lua_type(L, argument) > LUA_TSTRING) {
      push_text(L, argument, NULL);
      lua_replace(L, argument);
    }
    if (at >= end) break;
  }
  return stock.format(L);
}

static int guarded_rep(lua_State *L) {
  size_t text, separator = 0;
  luaL_checklstring(L, 1, &text);
  lua_Integer times = luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &separator);
  size_t total;
  if (times > 0) {
    /* One byte more a turn, so that repeating nothing is no endless loop. */
    bool overflows = __builtin_mul_overflow(text + separator + 1, (size_t)times, &total);
    if (overflows || guard_exceeds_heap(total)) guard_raise_memory(L);
  }
  return stock.rep(L);
}

static int bounded_print(lua_State *L) {
  struct bytes *out = around->output;
  for (int i = 1, last = lua_gettop(L); i <= last; i++) {
    size_t count = 0;
    const char *text = push_text(L, i, NULL);
    text = lua_tolstring(L, -1, &count);
    if (i > 1) put_raw(out, "\t", 1);
    for (size_t length; count > 0 && !out->overflow; text += length, count -= length) {
      length = utf8_length(text, count);
      put_raw(out, length ? text : "?", length ? length : 1);
      if (length == 0) length = 1;
    }
    lua_pop(L, 1);
  }
  put_raw(out, "\n", 1);
  return 0;
}

/* --- the same at every run ---------------------------------------------------------------- */

/* Upvalues: table, list of keys or nil, position, length of the sequence. Keys that have lost their
 * value since are skipped. */
static int next_pair(lua_State *L) {
  lua_Integer position = lua_tointeger(L, lua_upvalueindex(3));
  lua_Integer sequence = lua_tointeger(L, lua_upvalueindex(4));
  for (;;) {
    lua_settop(L, 0);
    position++;
    if (position <= sequence) lua_pushinteger(L, position);
    else if (lua_isnil(L, lua_upvalueindex(2))) lua_pushnil(L);
    else lua_rawgeti(L, lua_upvalueindex(2), position - sequence);
    if (lua_isnil(L, -1)) return 1;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) break;
  }
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(3));
  return 2;
}

static int ordered_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer sequence = sequence_length(L, 1);
  lua_pushvalue(L, 1);
  push_sorted_keys(L, 1, sequence);
  lua_pushinteger(L, 0);
  lua_pushinteger(L, sequence);
  lua_pushcclosure(L, next_pair, 4);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int event_time(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) return stock.time(L);
  lua_pushinteger(L, around->now);
  return 1;
}

static int event_date(lua_State *L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, "%c");
    lua_replace(L, 1);
  }
  if (lua_isnil(L, 2)) {
    lua_pushinteger(L, around->now);
    lua_replace(L, 2);
  }
  return stock.date(L);
}

/* Where the registry has math.randomseed. */
static const char seed_key;

/* Upvalue 1: Lua's own, which has its state as upvalue. */
static int event_seed(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_pushinteger(L, around->seed);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

/* --- require: what lies in lib/ ----------------------------------------------------------- */

void library_compile(lua_State *L, struct text source, const char *name) {
  if (source.count >= 3 && memcmp(source.bytes, "\xEF\xBB\xBF", 3) == 0)
    source.bytes += 3, source.count -= 3;
  if (source.count > 0 && source.bytes[0] == '#')
    while (source.count > 0 && source.bytes[0] != '\n') source.bytes++, source.count--;
  if (luaL_loadbufferx(L, source.bytes, source.count, name, "t") != LUA_OK) lua_error(L);
}

/* load_library(name, source): what the library returns. */
static int load_library(lua_State *L) {
  const struct text *source = lua_touserdata(L, 2);
  library_compile(L, *source, lua_pushfstring(L, "@lib/%s.lua", lua_tostring(L, 1)));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* Upvalue 1: what has been loaded; false while it is loading. */
static int require_library(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  if (strlen(name) != length) return luaL_error(L, "a library's name cannot hold \\0");
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  int type = lua_rawget(L, lua_upvalueindex(1));
  if (type == LUA_TBOOLEAN) return luaL_error(L, "lib/%s.lua requires itself", name);
  if (type != LUA_TNIL) {
    lua_rawgeti(L, -1, 1);
    return 1;
  }
  struct text source = tree_text(tree_member(around->libraries, name));
  if (!source.bytes) return luaL_error(L, "there is no lib/%s.lua beside the formatters", name);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, 0);
  lua_rawset(L, lua_upvalueindex(1));
  lua_pushcfunction(L, load_library);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, &source);
  int status = lua_pcall(L, 2, 1, 0);
  if (status != LUA_OK) {
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, lua_upvalueindex(1));
    guard_recheck(L);
    return lua_error(L);
  }
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, 1);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, -3);
  lua_rawseti(L, -2, 1);
  lua_rawset(L, lua_upvalueindex(1));
  return 1;
}

/* --- primitives for the prelude ----------------------------------------------------------- */

/* host.public(f): f behind a C function. A script's `return slack.mute()` is a tail call, which
 * would otherwise take the script's line off the stack. */
static int call_public(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int host_public(lua_State *L) {
  lua_settop(L, 1);
  lua_pushcclosure(L, call_public, 1);
  return 1;
}

/* host.fail(message): an error at the innermost line of a script. */
static int host_fail(lua_State *L) {
  char place[160];
  guard_where(L, place, sizeof place);
  lua_pushfstring(L, "%s: %s", place, luaL_checkstring(L, 1));
  return lua_error(L);
}

static int host_array(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_setmetatable(L, ARRAY_MARK);
  return 1;
}

/* host.verdict(status, reason): { status, reason, "file:line" }, marked. */
static int host_verdict(lua_State *L) {
  char place[160];
  verdicts++;
  guard_where(L, place, sizeof place);
  lua_settop(L, 2);
  lua_createtable(L, 3, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, 3, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, 3, 2);
  lua_pushstring(L, place);
  lua_rawseti(L, 3, 3);
  luaL_setmetatable(L, VERDICT_MARK);
  return 1;
}

/* --- putting it together ------------------------------------------------------------------ */

/* Pops the full library, pushes a table with the allowed names of it. */
static void allow(lua_State *L, const char *names) {
  lua_createtable(L, 0, 20);
  for (size_t length; *names; names += length + (names[length] == ' ')) {
    length = strcspn(names, " ");
    lua_pushlstring(L, names, length);
    lua_pushvalue(L, -1);
    lua_rawget(L, -4);
    lua_rawset(L, -3);
  }
  lua_remove(L, -2);
}

/* Puts `ours` in the place of a function of the library on top, and returns that one. */
static lua_CFunction replace(lua_State *L, const char *name, lua_CFunction ours) {
  lua_getfield(L, -1, name);
  lua_CFunction theirs = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  lua_pushcfunction(L, ours);
  lua_setfield(L, -2, name);
  return theirs;
}

/* The library is on top of the stack. */
static void change(lua_State *L, const char *library) {
  switch (library[0]) {
    case 's':
      stock.rep = replace(L, "rep", guarded_rep);
      stock.format = replace(L, "format", guarded_format);
      lua_pushliteral(L, "");
      lua_getmetatable(L, -1);
      lua_pushvalue(L, -3);
      lua_setfield(L, -2, "__index");
      lua_pop(L, 2);
      break;
    case 'c':
      stock.resume = replace(L, "resume", guarded_resume);
      stock.close = replace(L, "close", guarded_close);
      break;
    case 'o':
      stock.time = replace(L, "time", event_time);
      stock.date = replace(L, "date", event_date);
      break;
    case 'd': stock.traceback = replace(L, "traceback", guarded_traceback); break;
    case 'm':
      lua_getfield(L, -1, "randomseed");
      lua_pushcclosure(L, event_seed, 1);
      lua_pushvalue(L, -1);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &seed_key);
      lua_setfield(L, -2, "randomseed");
      break;
    default: break;
  }
}

/* Pushes the metatable that marks a table and cannot be seen or changed; pops it again. */
static void make_mark(lua_State *L, const char *name) {
  luaL_newmetatable(L, name);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void library_open(lua_State *L, struct text prelude) {
  static const luaL_Reg ours[] = {
      {"pcall", guarded_pcall},
      {"xpcall", guarded_xpcall},
      {"setmetatable", guarded_setmetatable},
      {"tostring", plain_tostring},
      {"print", bounded_print},
      {"pairs", ordered_pairs},
      {NULL, NULL},
  };
  static const luaL_Reg host[] = {
      {"public", host_public}, {"fail", host_fail},  {"array", host_array},
      {"verdict", host_verdict}, {NULL, NULL},
  };
  make_mark(L, ARRAY_MARK);
  make_mark(L, VERDICT_MARK);
  lua_pushcfunction(L, luaopen_base);
  lua_call(L, 0, 1);
  allow(L, base_allowed);
  luaL_setfuncs(L, ours, 0);
  lua_createtable(L, 0, 4);
  lua_pushcclosure(L, require_library, 1);
  lua_setfield(L, -2, "require");
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "_G");
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    lua_pushcfunction(L, libraries[i].open);
    lua_call(L, 0, 1);
    allow(L, libraries[i].allowed);
    change(L, libraries[i].name);
    lua_setfield(L, -2, libraries[i].name);
  }
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  if (WEAK(library)) luaL_openlibs(L);
  library_compile(L, prelude, "=slack");
  luaL_newlib(L, host);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_call(L, 1, 0);
}

void library_use(lua_State *L, const struct surroundings *surroundings) {
  around = surroundings;
  verdicts = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &seed_key);
  lua_call(L, 0, 0);
}

int library_verdicts(void) { return verdicts; }
