// Addresses between text and the kernel's form. Only literals: native code never resolves a name.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace sallyport {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// An address as JavaScript sees it: canonical, without a zone, IPv4-mapped IPv6 spelled as IPv4.
struct AddressText {
  char host[INET6_ADDRSTRLEN];
  uint32_t hostLength;
  uint16_t port;
};

// False when `host` is no IP literal.
bool parseAddress(const std::string& host, uint16_t port, SocketAddress& address);

// Ports and hosts.
bool isSame(const SocketAddress& one, const SocketAddress& other);
uint16_t portOf(const SocketAddress& address);
// IPv4-mapped IPv6 is IPv4.
bool isIpv6(const SocketAddress& address);

// A host as 16 bytes, by which hosts are compared: IPv4 is IPv4-mapped.
struct HostKey {
  uint64_t high;
  uint64_t low;
  bool operator==(const HostKey& other) const { return high == other.high && low == other.low; }
};
HostKey hostKeyOf(const SocketAddress& address);

AddressText formatAddress(const SocketAddress& address);

}  // namespace sallyport
