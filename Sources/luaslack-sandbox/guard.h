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

/* Reserves the memory, starts the chain's clock and takes over the signals. Once, before the
 * process is confined. False if the memory cannot be had. */
bool guard_prepare(const struct budget *budget);

/* A fresh interpreter for this file, all memory of the one before taken back without running any
 * code of it. NULL if it does not fit. The file's clock starts. */
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
