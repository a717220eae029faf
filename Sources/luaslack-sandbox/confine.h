#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Gives up everything but computing and writing to descriptor 1. `memory` is what may still be
 * mapped. False if the kernel's filter cannot be had: then no script may run. */
bool confine(size_t memory);
