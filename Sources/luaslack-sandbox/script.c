/* One formatter file from source to answer: compile, choose the handler, call it with its copies,
 * read what it returned. Everything that touches Lua runs inside one protected call. */
#include "script.h"

#include "guard.h"
#include "values.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct script {
  const struct job *job;
  /* The file's name; once the handler is known, with the line where that begins. */
  const char *name;
  struct text source;
  struct outcome *outcome;
};

/* Raises "file: message", with one %s. */
static _Noreturn void fail(
    lua_State *L, const struct script *script, const char *format, const char *detail) {
  lua_pushfstring(L, "%s: ", script->name);
  lua_pushfstring(L, format, detail);
  lua_concat(L, 2);
  lua_error(L);
  __builtin_unreachable();
}

/* The names of the functions in what the file returned, which is on top of the stack: a tree, an
 * array. May raise. */
static void name_handlers(lua_State *L, struct bytes *out) {
  enum { MOST = 64 };
  put_tag(out, TAG_ARRAY);
  struct bytes number = {out->data + out->count, 0, 4, false};
  put_number(out, 0, 4);
  uint64_t count = 0;
  if (lua_isfunction(L, -1)) {
    put_tag(out, TAG_STRING);
    put_text(out, "any", 3);
    put_number(&number, 1, 4);
    return;
  }
  push_sorted_keys(L, -1, 0);
  for (lua_Integer i = 1; lua_istable(L, -1) && i <= MOST; i++) {
    char name[65];
    size_t length;
    bool is_text = lua_rawgeti(L, -1, i) == LUA_TSTRING;
    const char *text = is_text ? lua_tolstring(L, -1, &length) : luaL_typename(L, -1);
    bool is_end = lua_isnil(L, -1);
    one_line(name, sizeof name, text, is_text ? length : strlen(text));
    lua_pop(L, 1);
    if (is_end) break;
    put_tag(out, TAG_STRING);
    put_text(out, name, strlen(name));
    count++;
  }
  lua_pop(L, 1);
  put_number(&number, count, 4);
}

/* Pops what the file returned; pushes the handler for the event's kind and returns true, or pushes
 * nothing and returns false if it has none. May raise. */
static bool take_handler(lua_State *L, const struct script *script) {
  bool is_function = lua_isfunction(L, -1);
  if (!is_function && !lua_istable(L, -1))
    fail(L, script, "must return a table of handlers or a function, not %s", luaL_typename(L, -1));
  if (script->job->names_handlers) name_handlers(L, &script->outcome->handlers);
  struct tree names = script->job->handlers;
  for (uint32_t count = tree_open(&names); count > 0; count--) {
    struct text name = tree_text(names);
    tree_skip(&names, TREE_DEPTH);
    lua_pushlstring(L, name.bytes, name.count);
    if (is_function) {
      bool is_any = strcmp(lua_tostring(L, -1), "any") == 0;
      lua_pop(L, 1);
      if (is_any) return true;
      continue;
    }
    lua_pushvalue(L, -1);
    int type = lua_rawget(L, -3);
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
      fail(L, script, "the handler '%s' must be a function", lua_tostring(L, -2));
    lua_remove(L, -2);
    if (type == LUA_TFUNCTION) {
      lua_remove(L, -2);
      return true;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return false;
}

/* What the handler on top of the stack makes is from now on reported at the line where it begins.
 * Cannot raise. */
static void place_handler(lua_State *L, struct script *script) {
  struct outcome *outcome = script->outcome;
  lua_Debug about;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &about);
  bool is_ours = about.source[0] == '@' && about.linedefined > 0;
  if (is_ours) snprintf(outcome->at, sizeof outcome->at, "%s:%d", about.source + 1, about.linedefined);
  else snprintf(outcome->at, sizeof outcome->at, "%s", script->name);
  script->name = outcome->at;
}

/* Copies the text at an index of the verdict on top of the stack. Cannot raise. */
static void copy_line(lua_State *L, int index, char *line, size_t limit) {
  size_t count = 0;
  const char *text = lua_rawgeti(L, -1, index) == LUA_TSTRING ? lua_tolstring(L, -1, &count) : "";
  one_line(line, limit, text, count);
  lua_pop(L, 1);
}

/* The verdict is on top of the stack. Cannot raise. */
static void read_verdict(lua_State *L, struct outcome *outcome) {
  char status[8];
  copy_line(L, 1, status, sizeof status);
  copy_line(L, 2, outcome->reason, sizeof outcome->reason);
  copy_line(L, 3, outcome->at, sizeof outcome->at);
  outcome->status = strcmp(status, "digest") == 0 ? STATUS_DIGEST : STATUS_MUTED;
}

/* The list `to` is on top of the stack, written already as a tree. May raise. */
static void check_destinations(lua_State *L, const struct script *script) {
  lua_Integer count = sequence_length(L, -1);
  if (count == 0) fail(L, script, "to: %s", "a list of destination names must not be empty");
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
      fail(L, script, "to: a destination is a name, not a %s", luaL_typename(L, -1));
    size_t length;
    const char *name = lua_tolstring(L, -1, &length);
    struct tree known = script->job->destinations;
    uint32_t left = tree_tag(known) == TAG_ARRAY ? tree_open(&known) : 0;
    bool found = left == 0;
    for (; left > 0 && !found; left--) {
      struct text candidate = tree_text(known);
      found = candidate.count == length && memcmp(candidate.bytes, name, length) == 0;
      tree_skip(&known, TREE_DEPTH);
    }
    if (!found) fail(L, script, "to: there is no destination '%s' in the config", name);
    lua_pop(L, 1);
  }
}

/* The second value that the handler returned is on top of the stack: { to = {...}, thread =
 * "reply" } or nil. May raise. */
static void read_route(lua_State *L, const struct script *script) {
  if (lua_isnil(L, -1)) return;
  if (!lua_istable(L, -1))
    fail(L, script, "the second value must be { to = {...} }, not a %s", luaL_typename(L, -1));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2);
    if (strcmp(key, "to") == 0) {
      if (!lua_istable(L, -1)) fail(L, script, "to: a list of names, not %s", luaL_typename(L, -1));
      check_destinations(L, script);
      struct outcome *outcome = script->outcome;
      struct walk walk = {&outcome->to, script->name, 64, 1};
      write_value(L, &walk, "to");
      if (outcome->to.data[0] != TAG_ARRAY) fail(L, script, "to: %s", "a list of names");
    } else if (strcmp(key, "thread") == 0) {
      const char *thread = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      if (strcmp(thread, "reply") != 0) fail(L, script, "thread: only \"%s\" is known", "reply");
      script->outcome->has_thread = true;
    } else {
      fail(L, script, "the second value has an unknown key '%s'; known: to, thread", key);
    }
  }
}

/* The payload is on top of the stack. May raise. */
static void read_payload(lua_State *L, const struct script *script) {
  struct outcome *outcome = script->outcome;
  struct walk walk = {&outcome->payload, script->name, script->job->result_nodes,
                      script->job->result_depth};
  if (!lua_istable(L, -1))
    fail(L, script, "must return a table or nothing, not a %s", luaL_typename(L, -1));
  write_value(L, &walk, "");
  if (outcome->payload.data[0] != TAG_OBJECT)
    fail(L, script, "the result must have named %s such as text", "parts");
  outcome->status = STATUS_OK;
}

/* __index of a table in a trial. Upvalues: its name, the names that it may have as keys. */
static int unknown_member(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL || lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  return luaL_error(L, "there is no %s.%s", lua_tostring(L, lua_upvalueindex(1)),
                    lua_tostring(L, 2));
}

/* Lets the table on top of the stack refuse other keys than these. May raise. */
static void make_strict(lua_State *L, const char *name, struct tree known) {
  lua_createtable(L, 0, 1);
  lua_pushstring(L, name);
  lua_createtable(L, 0, 30);
  for (uint32_t count = tree_open(&known); count > 0; count--, tree_skip(&known, TREE_DEPTH)) {
    struct text word = tree_text(known);
    lua_pushlstring(L, word.bytes ? word.bytes : "", word.count);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
  }
  lua_pushcclosure(L, unknown_member, 2);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

static void push_event(lua_State *L, const struct job *job) {
  struct tree event = job->event;
  push_tree(L, &event, false);
  if (tree_tag(job->known) != TAG_ARRAY || tree_tag(job->lists) != TAG_ARRAY) return;
  lua_getfield(L, -1, "lists");
  struct tree lists = job->lists;
  if (lua_istable(L, -1) && tree_open(&lists) > 0) make_strict(L, "event.lists", job->lists);
  lua_pop(L, 1);
  make_strict(L, "event", job->known);
}

/* The body of the protected call. Its argument is the script. May raise. */
static int run(lua_State *L) {
  struct script *script = lua_touserdata(L, 1);
  const struct job *job = script->job;
  struct surroundings around = {job->libraries, job->now, job->seed, &script->outcome->output};
  library_use(L, &around);
  library_compile(L, script->source, lua_pushfstring(L, "@%s", script->name));
  lua_call(L, 0, 1);
  guard_recheck(L);
  if (!take_handler(L, script)) {
    script->outcome->status = STATUS_ABSENT;
    return 0;
  }
  place_handler(L, script);
  struct tree payload = job->payload;
  push_event(L, job);
  push_tree(L, &payload, true);
  lua_pushvalue(L, -1);
  lua_insert(L, -4); /* payload, handler, event, payload */
  lua_call(L, 2, 2);
  guard_recheck(L);
  read_route(L, script);
  lua_pop(L, 1);
  if (has_mark(L, -1, VERDICT_MARK)) {
    read_verdict(L, script->outcome);
    return 0;
  }
  if (tree_tag(job->known) == TAG_ARRAY && library_verdicts() > 0)
    fail(L, script, "%s counts only if it is returned: return slack.mute(…)", "slack.mute or digest");
  if (lua_isnil(L, -1)) lua_pop(L, 1);
  read_payload(L, script);
  return 0;
}

static int64_t clock_ms(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void clear(struct bytes *bytes) {
  bytes->count = 0;
  bytes->overflow = false;
}

void script_run(
    const struct job *job, struct text name, struct text source, struct outcome *outcome) {
  static char file[256];
  one_line(file, sizeof file, name.bytes, name.count);
  struct script script = {job, file, source, outcome};
  outcome->status = STATUS_ERROR;
  clear(&outcome->payload);
  clear(&outcome->to);
  clear(&outcome->handlers);
  clear(&outcome->output);
  outcome->has_thread = false;
  outcome->reason[0] = outcome->at[0] = 0;
  int64_t work = clock_ms(CLOCK_PROCESS_CPUTIME_ID), start = clock_ms(CLOCK_MONOTONIC);
  lua_State *L = guard_open(file);
  if (!L || !guard_run(L, run, &script)) outcome->status = STATUS_ERROR;
  /* One that ran into its limit held the others up for all that time, even if it only waited. */
  outcome->milliseconds = guard_tripped() ? clock_ms(CLOCK_MONOTONIC) - start
                                          : clock_ms(CLOCK_PROCESS_CPUTIME_ID) - work;
}
