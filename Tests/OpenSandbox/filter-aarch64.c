/* The other architecture's half of the filter, on any machine: the kernel's generic table of numbers
 * is aarch64's, and knows no `time`. */
#include "filters.h"

#undef SYS_time
#include <asm-generic/unistd.h>

#undef __x86_64__
#undef __aarch64__
#define __aarch64__ 1
#define FILTER filter_aarch64
#define confine_parent filter_aarch64_confine_parent
#define confine_child filter_aarch64_confine_child
#include "filter.h"
