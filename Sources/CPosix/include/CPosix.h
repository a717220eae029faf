/* What Swift's Glibc module does not show of Linux: GNU extensions hidden behind _GNU_SOURCE.
 * Every function returns -1 and sets errno on failure, unless it says otherwise. */
#ifndef CPOSIX_H
#define CPOSIX_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* An anonymous file holding count bytes, sealed so that nobody can change it. Returns its
 * descriptor (close on exec), positioned at 0. */
int cposix_sealed_file(const char *name, const void *bytes, size_t count);

/* A pipe whose ends are both closed on exec. */
int cposix_pipe(int ends[2]);

/* Gives up the supplementary groups, then group and user, for good (real, effective and saved). */
int cposix_become(uid_t user, gid_t group);

/* Blocks TERM, INT and HUP and returns a non-blocking descriptor that reports them. */
int cposix_signal_descriptor(void);

/* Whether TERM and INT wait to be read (1) or end the process at once, with status 0 (0). Only after
 * cposix_signal_descriptor. Cannot fail. */
void cposix_defer_stop(int deferred);

/* The number of the next signal waiting on that descriptor, 0 if there is none. */
int cposix_next_signal(int descriptor);

/* A descriptor that can be read while one of these signals, which are blocked, waits. */
int cposix_waiting_signals(const sigset_t *signals);

/* Starts path with exactly these arguments and environment. Its descriptor i is a copy of
 * descriptors[i]; -1 stands for /dev/null; all others are closed. Signal mask and dispositions are
 * the default ones. Returns the process id. */
pid_t cposix_spawn(
    const char *path, char *const arguments[], char *const environment[],
    const int descriptors[], int count, int new_session);

/* Starts a program in this one's place: arguments[0] is sought in PATH as execvp does, and a text that names no
 * interpreter goes to /bin/sh. Environment, descriptors that are not closed on exec, process group and
 * ignored signals are this process's; but for descriptors 1 and 2, which are copies of output and error, SIGPIPE and
 * SIGCHLD, which are as usual, and the mask of signals and of permissions as given. Returns the process id; errno is
 * ENOENT if there is no such program. */
pid_t cposix_spawn_passing(
    char *const arguments[], int output, int error, const sigset_t *mask, mode_t permissions);

/* Blocks what others send a program that they may take this one for, and SIGCHLD; before gets the mask that was.
 * Returns a non-blocking descriptor that reports them. */
int cposix_passed_signals(sigset_t *before);

/* Forgets which of these wait, and blocks them no more. Cannot fail. */
void cposix_end_passed_signals(void);

/* The number of the next one, 0 if there is none. by_kernel: it went to all of the terminal's processes. */
int cposix_next_passed_signal(int descriptor, int *by_kernel);

/* 1 if this child can be waited for without waiting, which this does not do. */
int cposix_has_ended(pid_t child);

/* How many bytes a pipe holds; 0 if that cannot be told. */
int cposix_bytes_in_pipe(int descriptor);

/* What the file system of this path is (statfs's f_type) and how many bytes of it an ordinary user
 * may still use. */
int cposix_file_system(const char *path, int64_t *type, int64_t *free_bytes);

/* 1 if the kernel holds the clock to be synchronised, 0 if not. Changes nothing. */
int cposix_clock_is_synchronised(void);

#endif
