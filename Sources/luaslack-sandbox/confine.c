/* Takes the process's powers away, once and for good: descriptors, resources, ids, capabilities,
 * system calls. What a kernel or a container does not allow is left out, but for the last. */
#include "confine.h"

#include "weak.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void close_descriptors(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return;
#endif
  struct rlimit files;
  bool is_known = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 65536;
  int last = is_known ? (int)files.rlim_cur : 65536;
  for (int descriptor = first; descriptor < last; descriptor++) close(descriptor);
}

static size_t mapped_bytes(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file && fscanf(file, "%lu", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages ? pages * (size_t)sysconf(_SC_PAGESIZE) : (size_t)32 << 20;
}

static void limit(__rlimit_resource_t resource, rlim_t value) {
  struct rlimit both = {value, value};
  setrlimit(resource, &both);
}

/* The bounding set goes while CAP_SETPCAP is still there, the ids while CAP_SETUID is, and then
 * what is left if the ids could not be changed (a service without CAP_SETUID). */
static void drop_privileges(void) {
  enum { nobody = 65534 };
  for (unsigned long capability = 0; capability < 64; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  if (geteuid() == 0) {
    bool dropped = setgroups(0, NULL) == 0;
    dropped &= setresgid(nobody, nobody, nobody) == 0;
    dropped &= setresuid(nobody, nobody, nobody) == 0;
    (void)dropped; /* Without CAP_SETUID it stays root without capabilities, behind the filter. */
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  syscall(SYS_capset, &header, none);
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define GIVE(action) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##action)
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), GIVE(ALLOW)

/* Little-endian machines only: the low word of an argument comes first. */
static bool filter_calls(void) {
  static struct sock_filter program[] = {
      FIELD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      GIVE(KILL_PROCESS),
      FIELD(nr), /* x32 has the same architecture; its numbers (bit 30) match none below. */
      ALLOW(exit_group), ALLOW(clock_gettime), ALLOW(setitimer), ALLOW(brk), ALLOW(munmap),
      ALLOW(mremap), ALLOW(madvise), ALLOW(getrandom), ALLOW(gettimeofday),
#ifdef SYS_time
      ALLOW(time),
#endif
      /* write to descriptor 1 */
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 4),
      FIELD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
      GIVE(ALLOW),
      GIVE(KILL_PROCESS),
      /* mmap, mprotect without PROT_EXEC */
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
      FIELD(args[2]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
      GIVE(ALLOW),
      GIVE(KILL_PROCESS),
  };
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}
#else
static bool filter_calls(void) { return false; }
#endif

/* Its own death is the parent's. After a change of ids, which would clear the wish. */
static bool die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return getppid() == parent;
}

bool confine_parent(int last, size_t memory) {
  pid_t parent = getppid();
  close_descriptors(last + 1);
  if (WEAK(confinement)) return die_with(parent);
  if (chdir("/") != 0) return false;
  limit(RLIMIT_AS, mapped_bytes() + memory);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_MEMLOCK, 0);
  limit(RLIMIT_MSGQUEUE, 0);
  drop_privileges();
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return die_with(parent);
}

bool confine_child(pid_t parent, unsigned long seconds) {
  if (WEAK(confinement)) return die_with(parent);
  close(0);
  close_descriptors(2);
  /* A script that runs to its limits, event after event, slows nothing that has better to do. */
  setpriority(PRIO_PROCESS, 0, 5);
  limit(RLIMIT_CPU, seconds);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_NOFILE, 0); /* Number 0 is free again: with 2 a file could still be opened. */
  if (!die_with(parent)) _exit(75);
  if (WEAK(kernel)) return false;
  return WEAK(filter) || filter_calls();
}
