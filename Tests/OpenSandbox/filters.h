#pragma once
/* Everything that confine.c includes comes first: what the files after this one redefine must not
 * reach into a header. */
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

struct filter {
  const struct sock_filter *steps;
  size_t count;
};

/* The program of the system call filter, for this machine and for aarch64. */
struct filter filter_native(void);
struct filter filter_aarch64(void);
