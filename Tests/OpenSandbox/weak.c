/* The switches of weak.h, set by the words of the command line. Everything else about this program is
 * luaslack-sandbox, from the same sources. */
#include "../../Sources/luaslack-sandbox/weak.h"

#include "filters.h"

bool weak_confinement, weak_filter, weak_kernel, weak_guard, weak_library, weak_deadline;

static const struct {
  const char *word;
  bool *layer;
} switches[] = {
    {"without-confinement", &weak_confinement}, /* limits of the process, ids, filter */
    {"without-filter", &weak_filter},           /* the system call filter alone */
    {"without-kernel", &weak_kernel},           /* as on a kernel that has no filter */
    {"without-guard", &weak_guard},             /* Lua's memory and time */
    {"without-library", &weak_library},         /* all of Lua's own library */
    {"without-deadline", &weak_deadline},       /* the parent's clock */
};

/* The filter as bytes on standard output, as the kernel would get it. */
static _Noreturn void show(struct filter filter) {
  size_t count = filter.count * sizeof *filter.steps;
  _exit(write(1, filter.steps, count) == (ssize_t)count ? 0 : 1);
}

static bool take(const char *word) {
  /* By this a test tells its processes from others'. */
  if (strncmp(word, "mark=", 5) == 0) return true;
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
    if (strcmp(word, switches[i].word) == 0) return *switches[i].layer = true;
  return false;
}

int weak_take(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "show-filter-native") == 0) show(filter_native());
  if (count == 2 && strcmp(arguments[1], "show-filter-aarch64") == 0) show(filter_aarch64());
  int left = 1;
  for (int i = 1; i < count; i++) left += !take(arguments[i]);
  return left;
}
