/* Debian's c-ares, as the Cares driver sees it. */
#include <ares.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* A channel that asks DNS alone: no hosts file, no search list, no alias file. `tries` times each server of
 * resolv.conf, `milliseconds` the first time. Returns one of the library's codes. */
static inline int ccares_open(ares_channel *channel, int milliseconds, int tries) {
  struct ares_options options;
  memset(&options, 0, sizeof options);
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = milliseconds;
  options.tries = tries;
  options.lookups = (char *)"b";
  return ares_init_options(channel, &options,
                           ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
}

/* Moves all questions on: waits `milliseconds` at most, less if the library wants to ask again sooner. */
static inline void ccares_wait(ares_channel channel, int milliseconds) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  struct pollfd polled[ARES_GETSOCK_MAXNUM];
  int bits = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
  nfds_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
    short events = (ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
                   (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0);
    if (events) polled[count++] = (struct pollfd){sockets[i], events, 0};
  }
  struct timeval most = {milliseconds / 1000, milliseconds % 1000 * 1000};
  struct timeval wanted;
  struct timeval *next = ares_timeout(channel, &most, &wanted);
  int pause = (int)(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
  int ready = poll(polled, count, pause < milliseconds ? pause : milliseconds);
  if (ready <= 0) {
    /* Nothing but what is to be asked again, or given up. */
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return;
  }
  for (nfds_t i = 0; i < count; i++) {
    if (!polled[i].revents) continue;
    int readable = polled[i].revents & ~POLLOUT;
    int writable = polled[i].revents & (POLLOUT | POLLERR);
    ares_process_fd(channel, readable ? polled[i].fd : ARES_SOCKET_BAD,
                    writable ? polled[i].fd : ARES_SOCKET_BAD);
  }
}
