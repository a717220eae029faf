#pragma once
#include "tree.h"

/* The formatters, in the order in which they run, and what their answers may be. */
struct chain {
  struct tree files, libraries, destinations;
  int64_t result_nodes, result_depth;
  size_t result_bytes, output_bytes;
};

/* Checks that the parts are there and of the right types, and maps room for the answers. Once, before
 * the process is confined. */
bool chain_open(const struct chain *chain);

/* Runs the chain on the event of one request, answers on descriptor 1 and ends the process. */
_Noreturn void chain_run(const struct chain *chain, struct tree request);
