#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one script may use; `chain_ms` counts for all of them together. */
struct budget {
  size_t heap_bytes;
  int64_t file_ms, chain_ms, wall_ms;
};

/* Reserves the memory, takes over the signals, and runs `body` in a new state, which is kept: every
 * file begins with a copy of it. Once, before the process is confined; `body` is ours and has no
 * limits. False if the memory cannot be had or `body` raised. */
bool guard_prepare(const struct budget *budget, lua_CFunction body, void *argument);

/* Starts the clock of the chain, in the process that runs it. */
void guard_begin(void);

/* The interpreter as it was kept, all memory of the file before taken back without running any code
 * of it. NULL if the chain's time is over. The file's clock starts. */
lua_State *guard_open(const char *file);

/* Calls `body` with `argument` under every limit: lua_pcall, and a way back if a C loop overruns the
 * clock or the interpreter crashes. After false the state must not be used; the reason is in
 * guard_problem(). */
bool guard_run(lua_State *L, lua_CFunction body, void *argument);

/* What a script met: "memory" or "time", NULL if no limit. It stays until the next file. */
const char *guard_tripped(void);
/* The sentence for it, or for any other failure. Ends with 0. */
const char *guard_problem(void);

/* Pops nothing, pushes nothing; raises the limit error again if one was met before. */
void guard_recheck(lua_State *L);
/* The same with a limit that another module found: "string.rep" knows its size in advance. */
bool guard_exceeds_heap(size_t bytes);
_Noreturn void guard_raise_memory(lua_State *L);

/* The thread whose code runs from now on, so that a limit stops it at its next instruction; returns
 * the one before. */
lua_State *guard_switch(lua_State *thread);

/* Writes "file:line" of the innermost function of a script or library; the file's name if there is
 * none. Pushes nothing, cannot raise. */
void guard_where(lua_State *L, char *out, size_t count);
