#pragma once
#include "library.h"
#include "tree.h"

/* All that stays the same from file to file. */
struct job {
  struct tree files, libraries, handlers, event, destinations;
  struct text prelude;
  int64_t now, seed, result_nodes, result_depth;
};

enum status { STATUS_OK, STATUS_ABSENT, STATUS_MUTED, STATUS_DIGEST, STATUS_ERROR };

/* What became of one file; the buffers belong to the caller. */
struct outcome {
  enum status status;
  struct bytes payload, to, output;
  bool has_thread;
  char reason[301], at[160];
};

/* Runs one file on its copy of the payload, in an interpreter of its own. */
void script_run(
    const struct job *job, struct text name, struct text source, struct tree payload,
    struct outcome *outcome);
