/* Owns the memory and the time of the script that runs. Memory comes from one reserved region, so
 * that a state can be dropped at any instant, in the middle of anything, without running its
 * finalizers. Never lets a script catch, outlive or forget a limit. */
#include "guard.h"
#include "tree.h"
#include "weak.h"

#include <lauxlib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
  /* Instructions between two looks at the clock: some 5 µs. */
  PERIOD = 1000,
  /* How long a C function may overrun the clock that hooks cannot show it. */
  GRACE_MS = 20,
  SIZE_CLASSES = 256,
};

static struct {
  struct budget budget;
  unsigned char *region, *next;
  size_t region_size;
  void *released[SIZE_CLASSES];
  /* Bytes in use; above the budget only until the next instruction, above `hard` not at all. */
  size_t used, hard;
  /* The state that every file begins with: what the region held, and the books about it. */
  struct {
    lua_State *state;
    unsigned char *bytes;
    size_t count, used;
    void *released[SIZE_CLASSES];
  } kept;
  bool is_pristine;
  bool over;
  int64_t chain_end, wall_end, file_end;
  lua_State *running;
  const char *file, *tripped;
  char problem[600];
  sigjmp_buf way_back;
  volatile sig_atomic_t inside, late;
} watch;

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* --- words ------------------------------------------------------------------------------- */

void guard_where(lua_State *L, char *out, size_t count) {
  lua_Debug frame;
  for (int level = 0; L && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.source[0] != '@' || frame.currentline <= 0) continue;
    snprintf(out, count, "%s:%d", frame.short_src, frame.currentline);
    return;
  }
  snprintf(out, count, "%s", watch.file);
}

static void trip(lua_State *L, const char *limit) {
  if (watch.tripped) return;
  char place[160];
  guard_where(L, place, sizeof place);
  watch.tripped = limit;
  if (limit[0] == 'm') {
    size_t kib = watch.budget.heap_bytes >> 10;
    snprintf(watch.problem, sizeof watch.problem, "%s: memory limit (%zu %s)", place,
             kib % 1024 ? kib : kib >> 10, kib % 1024 ? "KiB" : "MiB");
  } else if (watch.file_end == watch.chain_end) {
    snprintf(watch.problem, sizeof watch.problem, "%s: time limit (%lld ms for all formatters)",
             place, (long long)watch.budget.chain_ms);
  } else {
    snprintf(watch.problem, sizeof watch.problem, "%s: time limit (%lld ms)", place,
             (long long)watch.budget.file_ms);
  }
}

const char *guard_tripped(void) { return watch.tripped; }
const char *guard_problem(void) { return watch.problem; }

/* --- memory ------------------------------------------------------------------------------ */

/* Sixteen-byte steps up to 1 KiB, then four steps to each doubling. */
static size_t size_class(size_t size, size_t *rounded) {
  if (size <= 1024) {
    *rounded = (size + 15) & ~(size_t)15;
    return (size - 1) / 16;
  }
  unsigned shift = 63 - (unsigned)__builtin_clzl(size - 1);
  size_t quarter = ((size - 1) >> (shift - 2)) & 3;
  *rounded = (5 + quarter) << (shift - 2);
  return 64 + (shift - 10) * 4 + quarter;
}

static void *take(size_t size) {
  size_t rounded, class = size_class(size, &rounded);
  void *block = watch.released[class];
  if (block) {
    memcpy(&watch.released[class], block, sizeof block);
    return block;
  }
  if (rounded > watch.region_size - (size_t)(watch.next - watch.region)) return NULL;
  block = watch.next;
  watch.next += rounded;
  return block;
}

static void give_back(void *block, size_t size) {
  size_t rounded, class = size_class(size, &rounded);
  memcpy(block, &watch.released[class], sizeof block);
  watch.released[class] = block;
}

static void on_count(lua_State *L, lua_Debug *event);

/* Above the budget a block is still given, and the next instruction collects the garbage at a safe
 * place: better than Lua's emergency collection inside the allocation, which is where 5.4.4 has a
 * use after free, and the error names its line. Above three times the budget nothing is given. */
static bool admit(size_t growth) {
  if (WEAK(guard)) return true;
  if (growth > watch.hard - watch.used) {
    trip(watch.running, "memory");
    return false;
  }
  if (watch.used + growth > watch.budget.heap_bytes && !watch.over && watch.running) {
    watch.over = true;
    lua_sethook(watch.running, on_count, LUA_MASKCOUNT, 1);
  }
  return true;
}

/* Lua's allocator. Cannot raise. */
static void *allocate(void *unused, void *old, size_t old_size, size_t size) {
  (void)unused;
  if (!old) old_size = 0; /* Lua passes a type tag there. */
  if (size == 0) {
    if (old) give_back(old, old_size);
    watch.used -= old_size;
    return NULL;
  }
  if (size > old_size && !admit(size - old_size)) return NULL;
  size_t rounded, before;
  void *block = old;
  if (!old || size_class(size, &rounded) != size_class(old_size, &before)) block = take(size);
  if (!block && size <= old_size) block = old; /* Lua relies on it that shrinking cannot fail. */
  if (!block) {
    trip(watch.running, "memory");
    return NULL;
  }
  if (old && block != old) {
    memcpy(block, old, size < old_size ? size : old_size);
    give_back(old, old_size);
  }
  watch.used += size - old_size;
  return block;
}

bool guard_exceeds_heap(size_t bytes) { return bytes > watch.budget.heap_bytes; }

/* --- time -------------------------------------------------------------------------------- */

/* Pops nothing; may push the message and raise it. Never calls code of the script. */
static void on_count(lua_State *L, lua_Debug *event) {
  (void)event;
  if (watch.over && !watch.tripped) {
    watch.over = false;
    lua_gc(L, LUA_GCCOLLECT);
    if (watch.used > watch.budget.heap_bytes) trip(L, "memory");
  }
  if (!watch.tripped && now_ms() >= watch.file_end) trip(L, "time");
  int period = watch.tripped || watch.over ? 1 : PERIOD;
  if (lua_gethookcount(L) != period) lua_sethook(L, on_count, LUA_MASKCOUNT, period);
  guard_recheck(L);
}

void guard_recheck(lua_State *L) {
  if (!watch.tripped) return;
  lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  lua_pushstring(L, watch.problem);
  lua_error(L);
}

_Noreturn void guard_raise_memory(lua_State *L) {
  trip(L, "memory");
  guard_recheck(L);
  __builtin_unreachable();
}

lua_State *guard_switch(lua_State *thread) {
  lua_State *before = watch.running;
  watch.running = thread;
  return before;
}

static void set_alarm(int64_t end) {
  if (WEAK(guard)) return;
  int64_t left = end - now_ms();
  if (left < 1) left = 1;
  struct itimerval timer = {.it_value = {left / 1000, left % 1000 * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* The clock has run out in a C loop, or the interpreter broke. Nothing that was interrupted is ever
 * used again but to look for the line, and should that crash too, then without it. */
static void on_signal(int number) {
  if (!watch.inside) _exit(75);
  if (number == SIGALRM && !watch.late) {
    watch.late = 1;
    trip(watch.running, "time");
  }
  siglongjmp(watch.way_back, number);
}

static void take_signals(void) {
  static unsigned char stack[65536];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);
  /* SA_NODEFER: the handler leaves by a jump, which must not need a system call to unblock. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
  static const int numbers[] = {SIGALRM, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction(numbers[i], &action, NULL);
  signal(SIGPIPE, SIG_DFL);
}

/* --- one script -------------------------------------------------------------------------- */

/* The allocator never moves a block by itself, so a copy of the bytes put back to the same place is
 * the same state again. */
static bool keep(lua_State *L) {
  watch.kept.state = L;
  watch.kept.count = (size_t)(watch.next - watch.region);
  watch.kept.used = watch.used;
  memcpy(watch.kept.released, watch.released, sizeof watch.released);
  watch.kept.bytes = mmap(NULL, watch.kept.count, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (watch.kept.bytes == MAP_FAILED) return false;
  memcpy(watch.kept.bytes, watch.region, watch.kept.count);
  return watch.is_pristine = true;
}

bool guard_prepare(const struct budget *budget, lua_CFunction body, void *argument) {
  watch.budget = *budget;
  watch.hard = 3 * budget->heap_bytes;
  watch.region_size = 4 * budget->heap_bytes + (1 << 20);
  watch.region = mmap(NULL, watch.region_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (watch.region == MAP_FAILED) return false;
  watch.next = watch.region;
  take_signals();
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L) return false;
  lua_gc(L, LUA_GCSTOP);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, argument);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) return false;
  /* The first collection of a script begins at ten times what is there now, further ones as usual:
   * most scripts end before, and none of the pages that a collection marks need be copied. */
  lua_gc(L, LUA_GCSETPAUSE, 1000);
  lua_gc(L, LUA_GCRESTART);
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCSETPAUSE, 200);
  return keep(L);
}

void guard_begin(void) {
  int64_t now = now_ms();
  watch.chain_end = now + watch.budget.chain_ms;
  watch.wall_end = now + watch.budget.wall_ms + 250;
  set_alarm(watch.wall_end);
}

static void restore(void) {
  size_t touched = (size_t)(watch.next - watch.region);
  if (touched > 1 << 20) madvise(watch.region, touched, MADV_DONTNEED);
  memcpy(watch.region, watch.kept.bytes, watch.kept.count);
  memcpy(watch.released, watch.kept.released, sizeof watch.released);
  watch.next = watch.region + watch.kept.count;
  watch.used = watch.kept.used;
}

lua_State *guard_open(const char *file) {
  if (!watch.is_pristine) restore();
  watch.is_pristine = false;
  watch.over = false;
  watch.tripped = NULL;
  watch.late = 0;
  watch.running = NULL;
  watch.file = file;
  watch.problem[0] = 0;
  int64_t now = now_ms();
  watch.file_end = now + watch.budget.file_ms;
  if (watch.file_end > watch.chain_end) watch.file_end = watch.chain_end;
  if (now < watch.chain_end) return watch.kept.state;
  trip(NULL, "time");
  return NULL;
}

/* The message handler of guard_run: pops the error value, pushes text. Cannot call script code. */
static int on_error(lua_State *L) {
  if (watch.tripped || lua_type(L, 1) == LUA_TSTRING) return 1;
  char place[160];
  guard_where(L, place, sizeof place);
  lua_pushfstring(L, "%s: error with a %s instead of text", place, luaL_typename(L, 1));
  return 1;
}

/* Takes over the error value on top of the stack, with the file's name if it says none. */
static void note(lua_State *L) {
  if (watch.tripped) return;
  size_t count = 0, name = strlen(watch.file);
  bool is_text = lua_type(L, -1) == LUA_TSTRING;
  const char *text = is_text ? lua_tolstring(L, -1, &count) : "unknown error";
  bool placed = (count > name && memcmp(text, watch.file, name) == 0 && text[name] == ':') ||
                (count > 4 && memcmp(text, "lib/", 4) == 0);
  size_t used = placed ? 0 : (size_t)snprintf(watch.problem, 300, "%s: ", watch.file);
  if (used > 299) used = 299;
  one_line(watch.problem + used, 501 - used, text, count ? count : strlen(text));
}

bool guard_run(lua_State *L, lua_CFunction body, void *argument) {
  int number = sigsetjmp(watch.way_back, 0);
  if (number == 0) {
    watch.running = L;
    watch.inside = 1;
    set_alarm(watch.file_end + GRACE_MS);
    if (!WEAK(guard)) lua_sethook(L, on_count, LUA_MASKCOUNT, PERIOD);
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, argument);
    if (lua_pcall(L, 1, 0, 1) != LUA_OK) note(L);
    else if (!watch.tripped) number = -1;
  } else if (watch.late && !watch.problem[0]) {
    watch.running = NULL;
    watch.tripped = NULL;
    trip(NULL, "time");
  } else if (!watch.late) {
    snprintf(watch.problem, sizeof watch.problem, "%s: the script crashed Lua itself (signal %d)",
             watch.file, number);
  }
  watch.inside = 0;
  set_alarm(watch.wall_end);
  return number == -1;
}
