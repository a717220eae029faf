#include "CPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

int cposix_sealed_file(const char *name, const void *bytes, size_t count) {
  int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return -1;
  const char *next = bytes;
  size_t left = count;
  while (left > 0) {
    ssize_t written = write(descriptor, next, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) goto failed;
    next += written;
    left -= (size_t)written;
  }
  int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(descriptor, F_ADD_SEALS, seals) < 0 || lseek(descriptor, 0, SEEK_SET) < 0) goto failed;
  return descriptor;

failed:;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

int cposix_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int cposix_file_system(const char *path, int64_t *type, int64_t *free_bytes) {
  struct statfs status;
  if (statfs(path, &status) < 0) return -1;
  *type = (int64_t)(uint32_t)status.f_type;
  *free_bytes = (int64_t)status.f_bavail * (int64_t)status.f_bsize;
  return 0;
}

int cposix_clock_is_synchronised(void) {
  struct timex state = {.modes = 0};
  int result = adjtimex(&state);
  if (result < 0) return -1;
  return result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int cposix_become(uid_t user, gid_t group) {
  if (setgroups(0, NULL) < 0) return -1;
  if (setresgid(group, group, group) < 0) return -1;
  return setresuid(user, user, user);
}

static void end_at_once(int signal) {
  (void)signal;
  _exit(0);
}

int cposix_signal_descriptor(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -1;
  struct sigaction action = {.sa_handler = end_at_once};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void cposix_defer_stop(int deferred) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(deferred ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int cposix_next_signal(int descriptor) {
  struct signalfd_siginfo info;
  ssize_t count = read(descriptor, &info, sizeof info);
  return count == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

int cposix_waiting_signals(const sigset_t *signals) {
  return signalfd(-1, signals, SFD_CLOEXEC);
}

/* Lays the descriptors out in two steps, so that none is overwritten before it is copied: first
 * away from the low numbers, then to their places. */
static int plan_descriptors(
    posix_spawn_file_actions_t *actions, const int descriptors[], int count) {
  int parked = count;
  for (int i = 0; i < count; i++)
    if (descriptors[i] >= parked) parked = descriptors[i] + 1;
  int error = 0;
  for (int i = 0; i < count && !error; i++)
    if (descriptors[i] >= 0)
      error = posix_spawn_file_actions_adddup2(actions, descriptors[i], parked + i);
  for (int i = 0; i < count && !error; i++)
    error = descriptors[i] >= 0
                ? posix_spawn_file_actions_adddup2(actions, parked + i, i)
                : posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
  return error ? error : posix_spawn_file_actions_addclosefrom_np(actions, count);
}

pid_t cposix_spawn(
    const char *path, char *const arguments[], char *const environment[],
    const int descriptors[], int count, int new_session) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);

  sigset_t none, every;
  sigemptyset(&none);
  sigfillset(&every);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (new_session) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &every);
  posix_spawnattr_setflags(&attributes, flags);

  pid_t process = -1;
  int error = plan_descriptors(&actions, descriptors, count);
  if (!error) error = posix_spawn(&process, path, &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (!error) return process;
  errno = error;
  return -1;
}

static const int passed_signals[] = {
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD};
enum { passed_signal_count = sizeof passed_signals / sizeof *passed_signals };

static void passed_set(sigset_t *set) {
  sigemptyset(set);
  for (int i = 0; i < passed_signal_count; i++) sigaddset(set, passed_signals[i]);
}

int cposix_passed_signals(sigset_t *before) {
  sigset_t set;
  passed_set(&set);
  /* Ignored by whoever started this, the kernel would reap the child unseen. */
  signal(SIGCHLD, SIG_DFL);
  if (sigprocmask(SIG_BLOCK, &set, before) < 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void cposix_end_passed_signals(void) {
  sigset_t set;
  passed_set(&set);
  for (int i = 0; i < passed_signal_count; i++) {
    /* To ignore one drops what waits of it. */
    struct sigaction usual, ignored = {.sa_handler = SIG_IGN};
    sigaction(passed_signals[i], &ignored, &usual);
    sigaction(passed_signals[i], &usual, NULL);
  }
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int cposix_next_passed_signal(int descriptor, int *by_kernel) {
  struct signalfd_siginfo info;
  if (read(descriptor, &info, sizeof info) != (ssize_t)sizeof info) return 0;
  *by_kernel = info.ssi_code == SI_KERNEL;
  return (int)info.ssi_signo;
}

int cposix_has_ended(pid_t child) {
  siginfo_t info = {.si_pid = 0};
  return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

int cposix_bytes_in_pipe(int descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) < 0 ? 0 : count;
}

extern char **environ;

/* One candidate. A text without #! is a script of the shell's, as execvp has it. */
static int try_spawn(
    const char *path, char *const arguments[], const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, pid_t *process) {
  int error = posix_spawn(process, path, actions, attributes, arguments, environ);
  if (error != ENOEXEC) return error;
  size_t count = 0;
  while (arguments[count]) count++;
  char **script = calloc(count + 2, sizeof *script);
  if (!script) return ENOMEM;
  char shell[] = "/bin/sh";
  script[0] = shell;
  script[1] = (char *)path;
  for (size_t i = 1; i < count; i++) script[i + 1] = arguments[i];
  error = posix_spawn(process, shell, actions, attributes, script, environ);
  free(script);
  return error;
}

/* execvp(3): the first that can be run; one that may not be is remembered while others are sought. */
static int search_spawn(
    char *const arguments[], const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, pid_t *process) {
  const char *name = arguments[0];
  if (!*name) return ENOENT;
  if (strchr(name, '/')) return try_spawn(name, arguments, actions, attributes, process);
  const char *next = getenv("PATH");
  if (!next) next = "/bin:/usr/bin";
  int result = ENOENT;
  while (next) {
    const char *end = strchr(next, ':');
    int length = end ? (int)(end - next) : (int)strlen(next);
    char *path = NULL;
    /* An empty one is the current directory. */
    if (asprintf(&path, "%.*s%s%s", length, next, length ? "/" : "./", name) < 0) return ENOMEM;
    int error = try_spawn(path, arguments, actions, attributes, process);
    free(path);
    if (error == EACCES) result = EACCES;
    else if (error != ENOENT && error != ENOTDIR && error != ESTALE && error != ENODEV) return error;
    next = end ? end + 1 : NULL;
  }
  return result;
}

pid_t cposix_spawn_passing(
    char *const arguments[], int output, int error_output, const sigset_t *mask,
    mode_t permissions) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  sigaddset(&usual, SIGXFSZ);
  posix_spawnattr_setsigmask(&attributes, mask);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  pid_t process = -1;
  int error = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, error_output, 2);
  mode_t own = umask(permissions);
  if (!error) error = search_spawn(arguments, &actions, &attributes, &process);
  umask(own);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (!error) return process;
  errno = error;
  return -1;
}
