#pragma once
#include <stdbool.h>

/* Test builds (-DLUASLACK_SANDBOX_TEST, the target OpenSandbox) can take single layers away, so that
 * the others are tested alone. In the shipped program WEAK is the constant false, and no symbol of
 * this name is left. */
#ifdef LUASLACK_SANDBOX_TEST
extern bool weak_confinement, weak_filter, weak_kernel, weak_guard, weak_library, weak_deadline;
/* Takes the words that follow the program's name as the layers to leave out; returns how many
 * arguments are left. */
int weak_take(int count, char **arguments);
#define WEAK(layer) (weak_##layer)
#define WEAK_TAKE(count, arguments) weak_take(count, arguments)
#else
#define WEAK(layer) false
#define WEAK_TAKE(count, arguments) (count)
#endif
