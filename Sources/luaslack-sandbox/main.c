/* luaslack-sandbox: runs the formatters of one job, one after the other, and answers with a frame
 * after each. Started by luaslack and luaslackd, never by a person. It trusts the job, nothing that
 * a script did, and ends without cleaning up. */
#include "confine.h"
#include "guard.h"
#include "script.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { JOB_LIMIT = 64 << 20, FRAME_EXTRA = 8 << 10, ROUTE_LIMIT = 2 << 10 };

/* Maps the sealed file on descriptor 0 and checks its form once, to the last byte. */
static struct tree read_job(void) {
  struct tree none = {NULL, NULL};
  struct stat status;
  int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  int seals = fcntl(0, F_GET_SEALS);
  if (seals < 0 || (seals & wanted) != wanted || fstat(0, &status) != 0) return none;
  if (status.st_size < 9 || status.st_size > JOB_LIMIT) return none;
  size_t size = (size_t)status.st_size;
  unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, 0, 0);
  if (bytes == MAP_FAILED || memcmp(bytes, "LSJ1", 4) != 0) return none;
  struct tree tree = {bytes + 4, bytes + size};
  if (tree_number(&tree, 4) != size - 8) return none;
  struct tree end = tree;
  if (!tree_skip(&end, TREE_DEPTH) || end.at != end.end) return none;
  return tree;
}

/* False if a part is missing or of the wrong type. */
static bool open_job(struct tree tree, struct job *job) {
  job->files = tree_member(tree, "files");
  job->libraries = tree_member(tree, "libs");
  job->handlers = tree_member(tree, "handlers");
  job->event = tree_member(tree, "event");
  job->destinations = tree_member(tree, "destinations");
  job->prelude = tree_text(tree_member(tree, "prelude"));
  job->now = tree_integer(tree_member(tree, "now"), 0);
  job->seed = tree_integer(tree_member(tree, "seed"), 0);
  struct tree files = job->files, handlers = job->handlers;
  if (tree_tag(files) != TAG_ARRAY || tree_tag(handlers) != TAG_ARRAY || !job->prelude.bytes ||
      tree_tag(job->event) != TAG_OBJECT || tree_tag(tree_member(tree, "payload")) != TAG_OBJECT)
    return false;
  for (uint32_t count = tree_open(&files); count > 0; count--, tree_skip(&files, TREE_DEPTH))
    if (!tree_text(tree_member(files, "name")).bytes ||
        !tree_text(tree_member(files, "source")).bytes)
      return false;
  for (uint32_t count = tree_open(&handlers); count > 0; count--, tree_skip(&handlers, TREE_DEPTH))
    if (tree_tag(handlers) != TAG_STRING) return false;
  return true;
}

/* A member of `limits`, kept between what works and a ceiling. */
static int64_t setting(
    struct tree limits, const char *name, int64_t usual, int64_t least, int64_t most) {
  int64_t value = tree_integer(tree_member(limits, name), usual);
  return value < least ? least : value > most ? most : value;
}

static struct bytes buffer(size_t limit) {
  void *data = mmap(NULL, limit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) _exit(EX_OSERR);
  return (struct bytes){data, 0, limit, false};
}

/* The members in the order of their keys, as the codec demands. */
static void put_outcome(struct bytes *out, struct text file, const struct outcome *outcome) {
  static const char *const names[] = {"ok", "absent", "muted", "digest", "error"};
  const char *error = guard_problem(), *status = names[outcome->status];
  bool is_ok = outcome->status == STATUS_OK, failed = outcome->status == STATUS_ERROR;
  bool ended = outcome->status == STATUS_MUTED || outcome->status == STATUS_DIGEST;
  bool is_muted = outcome->status == STATUS_MUTED;
  bool has_thread = is_ok && outcome->has_thread, has_to = is_ok && outcome->to.count > 0;
  bool printed = outcome->output.count > 0;
  put_count(out, TAG_OBJECT,
            2u + ended + failed + printed + is_ok + is_muted + has_thread + has_to);
  if (ended) put_member(out, "at", outcome->at, strlen(outcome->at));
  if (failed) put_member(out, "error", error, strlen(error));
  put_member(out, "file", file.bytes, file.count);
  if (printed)
    put_member(out, "output", (const char *)outcome->output.data, outcome->output.count);
  if (is_ok) {
    put_text(out, "payload", 7);
    put_raw(out, outcome->payload.data, outcome->payload.count);
  }
  if (is_muted) put_member(out, "reason", outcome->reason, strlen(outcome->reason));
  put_member(out, "status", status, strlen(status));
  if (has_thread) put_member(out, "thread", "reply", 5);
  if (!has_to) return;
  put_text(out, "to", 2);
  put_raw(out, outcome->to.data, outcome->to.count);
}

static void begin_frame(struct bytes *frame) {
  frame->count = 0;
  put_raw(frame, "LSF1", 4);
  put_number(frame, 0, 4);
}

static void send_frame(struct bytes *frame) {
  if (frame->overflow) _exit(EX_SOFTWARE);
  struct bytes length = {frame->data + 4, 0, 4, false};
  put_number(&length, frame->count - 8, 4);
  for (size_t sent = 0; sent < frame->count;) {
    ssize_t count = write(1, frame->data + sent, frame->count - sent);
    if (count <= 0) _exit(EX_IOERR);
    sent += (size_t)count;
  }
}

static void run_chain(const struct job *job, struct tree payload, size_t result, size_t output) {
  struct bytes frame = buffer(result + output + FRAME_EXTRA), spare = buffer(result);
  struct outcome outcome = {
      .payload = buffer(result), .to = buffer(ROUTE_LIMIT), .output = buffer(output)};
  struct tree files = job->files;
  for (uint32_t count = tree_open(&files); count > 0; count--, tree_skip(&files, TREE_DEPTH)) {
    struct text name = tree_text(tree_member(files, "name"));
    script_run(job, name, tree_text(tree_member(files, "source")), payload, &outcome);
    begin_frame(&frame);
    put_outcome(&frame, name, &outcome);
    send_frame(&frame);
    if (outcome.status == STATUS_MUTED || outcome.status == STATUS_DIGEST) return;
    if (outcome.status != STATUS_OK) continue;
    /* What this file made is kept, while the next one writes to the other buffer. */
    struct bytes made = outcome.payload;
    payload = (struct tree){made.data, made.data + made.count};
    outcome.payload = spare;
    spare = made;
  }
}

#ifdef LUASLACK_SANDBOX_TEST
/* Test builds only: each layer alone. "unconfined": the VM's limits without the system's;
 * "open-library": the system's confinement under all of Lua's library. */
extern bool library_is_open;
static bool is_unconfined;
static int weaken(int count, char **arguments) {
  for (; count > 1; count--) {
    is_unconfined |= strcmp(arguments[count - 1], "unconfined") == 0;
    library_is_open |= strcmp(arguments[count - 1], "open-library") == 0;
  }
  return count;
}
#endif

int main(int count, char **arguments) {
  (void)arguments;
#ifdef LUASLACK_SANDBOX_TEST
  count = weaken(count, arguments);
#endif
  struct tree tree = read_job();
  struct job job;
  if (count != 1 || !tree.at || !open_job(tree, &job)) return EX_USAGE;

  struct tree limits = tree_member(tree, "limits");
  struct budget budget = {
      .heap_bytes = (size_t)setting(limits, "heap_bytes", 16 << 20, 1 << 20, 256 << 20),
      .file_ms = setting(limits, "file_ms", 250, 1, 60000),
      .chain_ms = setting(limits, "chain_ms", 750, 1, 60000),
      .wall_ms = setting(limits, "wall_ms", 1000, 1, 60000),
  };
  size_t result = (size_t)setting(limits, "result_bytes", 256 << 10, 1 << 10, 16 << 20);
  size_t output = (size_t)setting(limits, "output_bytes", 4 << 10, 1, 1 << 20);
  job.result_nodes = setting(limits, "result_nodes", 20000, 1, 1000000);
  job.result_depth = setting(limits, "result_depth", 32, 1, 60);

  /* The heap is mapped before, signals are taken while that is allowed; buffers come after. */
  if (!guard_prepare(&budget)) _exit(EX_OSERR);
#ifdef LUASLACK_SANDBOX_TEST
  if (!is_unconfined)
#endif
  if (!confine(3 * result + (32 << 20))) _exit(EX_UNAVAILABLE);
  run_chain(&job, tree_member(tree, "payload"), result, output);
  _exit(0);
}
