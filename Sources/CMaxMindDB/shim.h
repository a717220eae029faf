/* Debian's libmaxminddb, as the MaxMindDB driver sees it. */
#include <arpa/inet.h>
#include <maxminddb.h>
#include <string.h>

/* Looks up an address of 16 bytes, IPv4 at ::ffff:0:0/96, as IPv4 where it is that: an IPv4 database knows no
 * other, and in one of IPv6 the library knows where IPv4 begins. Returns one of the library's codes; `*offset`
 * into the data section is set if `*found`. */
static inline int cmmdb_lookup(const MMDB_s *mmdb, const unsigned char *address, bool *found,
                               unsigned int *offset) {
  static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  const struct sockaddr *socket = (const struct sockaddr *)&v6;
  if (memcmp(address, mapped, sizeof mapped) == 0) {
    memcpy(&v4.sin_addr, address + 12, 4);
    socket = (const struct sockaddr *)&v4;
  } else {
    memcpy(&v6.sin6_addr, address, 16);
  }
  int error = MMDB_SUCCESS;
  MMDB_lookup_result_s result = MMDB_lookup_sockaddr(mmdb, socket, &error);
  *found = error == MMDB_SUCCESS && result.found_entry;
  *offset = *found ? result.entry.offset : 0;
  return error;
}
