/* luaslack-sandbox: runs a chain of formatters. Started by luaslackd, never by a person. It is given
 * the chain once (descriptor 0) and then one request an event (descriptor 2); for each it makes a
 * child of its own that gives up everything, runs the formatters and answers with a frame after each
 * (descriptor 1). When that child has ended, it says so (descriptor 3). This process itself runs no
 * script, ever. */
#include "chain.h"
#include "confine.h"
#include "guard.h"
#include "library.h"
#include "weak.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { JOB, FRAMES, REQUESTS, ENDINGS };
enum { JOB_LIMIT = 64 << 20, REQUEST_LIMIT = 4 << 20 };
/* How a child ended, with its exit status or signal beside it. */
enum ending { EXITED, KILLED, STOPPED };

/* The tree in these bytes, its form checked to the last byte once. */
static struct tree checked(const unsigned char *bytes, size_t size) {
  struct tree tree = {bytes, bytes + size}, end = tree;
  bool is_whole = tree_skip(&end, TREE_DEPTH) && end.at == end.end;
  return is_whole ? tree : (struct tree){NULL, NULL};
}

/* Maps the sealed file. */
static struct tree read_job(void) {
  struct tree none = {NULL, NULL};
  struct stat status;
  int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  int seals = fcntl(JOB, F_GET_SEALS);
  if (seals < 0 || (seals & wanted) != wanted || fstat(JOB, &status) != 0) return none;
  if (status.st_size < 9 || status.st_size > JOB_LIMIT) return none;
  size_t size = (size_t)status.st_size;
  unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, JOB, 0);
  if (bytes == MAP_FAILED || memcmp(bytes, "LSJ2", 4) != 0) return none;
  struct tree length = {bytes + 4, bytes + 8};
  return tree_number(&length, 4) == size - 8 ? checked(bytes + 8, size - 8) : none;
}

static bool read_exactly(void *bytes, size_t count) {
  for (size_t have = 0; have < count;) {
    ssize_t more = read(REQUESTS, (char *)bytes + have, count - have);
    if (more <= 0) return false;
    have += (size_t)more;
  }
  return true;
}

/* The next event; nothing if there will be no more. */
static struct tree read_request(unsigned char *room) {
  struct tree none = {NULL, NULL}, length = {room + 4, room + 8};
  if (!read_exactly(room, 8) || memcmp(room, "LSE1", 4) != 0) return none;
  size_t size = tree_number(&length, 4);
  return size <= REQUEST_LIMIT && read_exactly(room, size) ? checked(room, size) : none;
}

static void send_ending(enum ending ending, int code) {
  unsigned char bytes[] = {'L', 'S', 'D', '1', (unsigned char)ending, (unsigned char)code};
  if (write(ENDINGS, bytes, sizeof bytes) != sizeof bytes) _exit(EX_IOERR);
}

/* SIGCHLD is blocked, so that it wakes sigtimedwait whenever it comes. */
static void await(pid_t child, int64_t milliseconds) {
  struct timespec now, end, left;
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += milliseconds / 1000;
  end.tv_nsec += milliseconds % 1000 * 1000000;
  int status = 0;
  bool is_late = false;
  while (waitpid(child, &status, is_late ? 0 : WNOHANG) != child) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (int64_t)(end.tv_sec - now.tv_sec) * 1000000000 + end.tv_nsec - now.tv_nsec;
    is_late = ns <= 0;
    if (is_late) {
      kill(child, SIGKILL);
      continue;
    }
    left = (struct timespec){ns / 1000000000, ns % 1000000000};
    sigtimedwait(&ended, NULL, &left);
  }
  if (is_late) send_ending(STOPPED, 0);
  else if (WIFEXITED(status)) send_ending(EXITED, WEXITSTATUS(status));
  else send_ending(KILLED, WTERMSIG(status));
}

static void serve(struct chain *chain, const struct budget *budget) {
  int64_t deadline = WEAK(deadline) ? 3600000 : budget->wall_ms;
  unsigned char *room = mmap(NULL, REQUEST_LIMIT, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) _exit(EX_OSERR);
  for (struct tree request; (request = read_request(room)).at;) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
      if (!confine_child(parent, (unsigned long)budget->chain_ms / 1000 + 2)) _exit(EX_UNAVAILABLE);
      chain_run(chain, request);
    }
    if (child > 0) await(child, deadline);
    else send_ending(EXITED, EX_OSERR);
  }
}

/* A member of `limits`, kept between what works and a ceiling. */
static int64_t setting(
    struct tree limits, const char *name, int64_t usual, int64_t least, int64_t most) {
  int64_t value = tree_integer(tree_member(limits, name), usual);
  return value < least ? least : value > most ? most : value;
}

/* The body of guard_prepare: the state that every file begins with. */
static int open_library(lua_State *L) {
  const struct text *prelude = lua_touserdata(L, 1);
  library_open(L, *prelude);
  return 0;
}

static void block_child_signal(void) {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, NULL);
}

/* A zone's rule, such as CET-1CEST,M3.5.0,M10.5.0/3: it needs no file. */
static void set_zone(struct text rule) {
  char zone[65] = "UTC0";
  if (rule.bytes && rule.count < sizeof zone) {
    memcpy(zone, rule.bytes, rule.count);
    zone[rule.count] = 0;
  }
  clearenv();
  setenv("TZ", zone, 1);
  tzset();
}

int main(int count, char **arguments) {
  (void)arguments;
  struct tree tree = read_job();
  if (WEAK_TAKE(count, arguments) != 1 || !tree.at) return EX_USAGE;

  struct tree limits = tree_member(tree, "limits");
  struct budget budget = {
      .heap_bytes = (size_t)setting(limits, "heap_bytes", 16 << 20, 1 << 20, 256 << 20),
      .file_ms = setting(limits, "file_ms", 250, 1, 60000),
      .chain_ms = setting(limits, "chain_ms", 750, 1, 60000),
      .wall_ms = setting(limits, "wall_ms", 1000, 1, 60000),
  };
  struct chain chain = {
      .files = tree_member(tree, "files"),
      .libraries = tree_member(tree, "libs"),
      .destinations = tree_member(tree, "destinations"),
      .result_nodes = setting(limits, "result_nodes", 20000, 1, 1000000),
      .result_depth = setting(limits, "result_depth", 32, 1, 60),
      .result_bytes = (size_t)setting(limits, "result_bytes", 256 << 10, 1 << 10, 16 << 20),
      .output_bytes = (size_t)setting(limits, "output_bytes", 4 << 10, 1, 1 << 20),
  };
  struct text prelude = tree_text(tree_member(tree, "prelude"));
  if (!prelude.bytes || !chain_open(&chain)) return EX_USAGE;
  set_zone(tree_text(tree_member(tree, "zone")));
  if (!guard_prepare(&budget, open_library, &prelude)) _exit(EX_OSERR);
  block_child_signal();
  if (!confine_parent(ENDINGS, 32 << 20)) _exit(EX_OSERR);
  serve(&chain, &budget);
  _exit(0);
}
