/* confine.c once more, so that its filter is handed over instead of installed. The file that
 * includes this has defined FILTER, the name of the function that does so. */
#include "filters.h"

#include <stdarg.h>
#include <sys/prctl.h>

static struct filter taken;

static int take(int option, ...) {
  va_list more;
  va_start(more, option);
  if (option == PR_SET_SECCOMP && va_arg(more, int) == SECCOMP_MODE_FILTER) {
    const struct sock_fprog *program = va_arg(more, const struct sock_fprog *);
    taken = (struct filter){program->filter, program->len};
  }
  va_end(more);
  return 0;
}

#define prctl take
#include "../../Sources/luaslack-sandbox/confine.c"

struct filter FILTER(void) {
  filter_calls();
  return taken;
}
