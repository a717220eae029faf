/* One event through all formatters: each works on what the one before it made. Answers with a frame
 * after each file, so that a kill loses only the rest. */
#include "chain.h"

#include "guard.h"
#include "script.h"

#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

enum { FRAMES = 1, FRAME_EXTRA = 16 << 10, ROUTE_LIMIT = 2 << 10, HANDLERS_LIMIT = 8 << 10 };

static struct bytes frame, spare;
static struct outcome outcome;

static bool map(struct bytes *bytes, size_t limit) {
  void *data = mmap(NULL, limit, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  *bytes = (struct bytes){data, 0, limit, false};
  return data != MAP_FAILED;
}

bool chain_open(const struct chain *chain) {
  struct tree files = chain->files;
  if (tree_tag(files) != TAG_ARRAY) return false;
  for (uint32_t count = tree_open(&files); count > 0; count--, tree_skip(&files, TREE_DEPTH))
    if (!tree_text(tree_member(files, "name")).bytes ||
        !tree_text(tree_member(files, "source")).bytes)
      return false;
  return map(&frame, chain->result_bytes + chain->output_bytes + FRAME_EXTRA) &&
         map(&spare, chain->result_bytes) && map(&outcome.payload, chain->result_bytes) &&
         map(&outcome.to, ROUTE_LIMIT) && map(&outcome.handlers, HANDLERS_LIMIT) &&
         map(&outcome.output, chain->output_bytes);
}

/* False if a part of the request is missing or of the wrong type. */
static bool open_request(struct tree request, struct job *job) {
  job->handlers = tree_member(request, "handlers");
  job->event = tree_member(request, "event");
  job->payload = tree_member(request, "payload");
  job->now = tree_integer(tree_member(request, "now"), 0);
  job->seed = tree_integer(tree_member(request, "seed"), 0);
  job->names_handlers = tree_tag(tree_member(request, "names_handlers")) == TAG_TRUE;
  job->known = tree_member(request, "known");
  job->lists = tree_member(request, "lists");
  struct tree handlers = job->handlers;
  if (tree_tag(handlers) != TAG_ARRAY || tree_tag(job->event) != TAG_OBJECT ||
      tree_tag(job->payload) != TAG_OBJECT)
    return false;
  for (uint32_t count = tree_open(&handlers); count > 0; count--, tree_skip(&handlers, TREE_DEPTH))
    if (tree_tag(handlers) != TAG_STRING) return false;
  return true;
}

static void put_tree(const char *key, const struct bytes *tree) {
  put_text(&frame, key, strlen(key));
  put_raw(&frame, tree->data, tree->count);
}

static void put_words(const char *key, const char *words) {
  put_member(&frame, key, words, strlen(words));
}

/* The members stand in the order of their keys, as the codec demands. */
static void put_outcome(struct text file) {
  static const char *const names[] = {"ok", "absent", "muted", "digest", "error"};
  bool is_ok = outcome.status == STATUS_OK, failed = outcome.status == STATUS_ERROR;
  bool is_muted = outcome.status == STATUS_MUTED;
  bool has_place = is_ok || is_muted || outcome.status == STATUS_DIGEST;
  bool has_handlers = outcome.handlers.count > 0, has_output = outcome.output.count > 0;
  bool has_thread = is_ok && outcome.has_thread, has_to = is_ok && outcome.to.count > 0;
  put_count(&frame, TAG_OBJECT,
            3u + has_place + failed + has_handlers + has_output + is_ok + is_muted + has_thread +
                has_to);
  if (has_place) put_words("at", outcome.at);
  if (failed) put_words("error", guard_problem());
  put_member(&frame, "file", file.bytes, file.count);
  if (has_handlers) put_tree("handlers", &outcome.handlers);
  put_text(&frame, "ms", 2);
  put_tag(&frame, TAG_INT);
  put_number(&frame, (uint64_t)outcome.milliseconds, 8);
  if (has_output)
    put_member(&frame, "output", (const char *)outcome.output.data, outcome.output.count);
  if (is_ok) put_tree("payload", &outcome.payload);
  if (is_muted) put_words("reason", outcome.reason);
  put_words("status", names[outcome.status]);
  if (has_thread) put_words("thread", "reply");
  if (has_to) put_tree("to", &outcome.to);
}

static void send_frame(struct text file) {
  enum { HEAD = 8 };
  frame.count = 0;
  put_raw(&frame, "LSF1", 4);
  put_number(&frame, 0, 4);
  put_outcome(file);
  if (frame.overflow) _exit(EX_SOFTWARE);
  struct bytes length = {frame.data + 4, 0, 4, false};
  put_number(&length, frame.count - HEAD, 4);
  for (size_t sent = 0; sent < frame.count;) {
    ssize_t count = write(FRAMES, frame.data + sent, frame.count - sent);
    if (count <= 0) _exit(EX_IOERR);
    sent += (size_t)count;
  }
}

void chain_run(const struct chain *chain, struct tree request) {
  struct job job = {
      .libraries = chain->libraries,
      .destinations = chain->destinations,
      .result_nodes = chain->result_nodes,
      .result_depth = chain->result_depth,
  };
  if (!open_request(request, &job)) _exit(EX_USAGE);
  guard_begin();
  struct tree files = chain->files;
  for (uint32_t count = tree_open(&files); count > 0; count--, tree_skip(&files, TREE_DEPTH)) {
    struct text name = tree_text(tree_member(files, "name"));
    script_run(&job, name, tree_text(tree_member(files, "source")), &outcome);
    send_frame(name);
    /* In a trial the files after it run all the same. */
    bool is_trial = tree_tag(job.known) == TAG_ARRAY;
    if (outcome.status == STATUS_MUTED && !is_trial) break;
    if (outcome.status != STATUS_OK) continue;
    /* What this file made is kept, while the next one writes to the other buffer. */
    struct bytes made = outcome.payload;
    job.payload = (struct tree){made.data, made.data + made.count};
    outcome.payload = spare;
    spare = made;
  }
  _exit(0);
}
