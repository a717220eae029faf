#pragma once
#include "library.h"
#include "tree.h"

/* One event for one file: what the chain says for all, and what the request says. `payload` is what
 * the file before made. */
struct job {
  struct tree libraries, destinations;
  int64_t result_nodes, result_depth;
  struct tree handlers, event, payload;
  int64_t now, seed;
  /* Whether `outcome.handlers` is wanted. */
  bool names_handlers;
  /* For a trial: the members that an event and its lists can have; others are errors then, not nil.
   * In earnest nothing: a formatter may ask for what a newer version knows. */
  struct tree known, lists;
};

enum status { STATUS_OK, STATUS_ABSENT, STATUS_MUTED, STATUS_DIGEST, STATUS_ERROR };

/* What became of one file; the buffers belong to the caller. `at` is the line that decided: of the
 * handler, or of slack.mute or slack.digest. */
struct outcome {
  enum status status;
  struct bytes payload, to, handlers, output;
  bool has_thread;
  /* Of processor time; of real time if it met a limit. */
  int64_t milliseconds;
  char reason[301], at[300];
};

/* Runs one file on a copy of the payload, in an interpreter of its own. */
void script_run(
    const struct job *job, struct text name, struct text source, struct outcome *outcome);
