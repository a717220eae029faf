#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What the process that makes the children gives up: descriptors above `last`, ids, capabilities,
 * core dumps, and life without its own parent. `memory` is what may still be mapped. False if the
 * parent has died already. */
bool confine_parent(int last, size_t memory);

/* What the child that runs scripts gives up besides: everything but computing and writing to
 * descriptor 1. `seconds` of processor time are the kernel's own limit. False if the kernel's filter cannot be had: then no script may run. */
bool confine_child(pid_t parent, unsigned long seconds);
