#include "interfaces.h"

#include <ifaddrs.h>

#include <cerrno>
#include <cstring>

namespace sallyport {
namespace {

socklen_t lengthOf(int family) {
  if (family == AF_INET) return sizeof(sockaddr_in);
  return family == AF_INET6 ? sizeof(sockaddr_in6) : 0;
}

}  // namespace

int listAddresses(std::vector<SocketAddress>& addresses) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) < 0) return errno;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    const socklen_t length = one->ifa_addr == nullptr ? 0 : lengthOf(one->ifa_addr->sa_family);
    if (length == 0) continue;
    SocketAddress address;
    memcpy(&address.storage, one->ifa_addr, length);
    address.length = length;
    addresses.push_back(address);
  }
  ::freeifaddrs(all);
  return 0;
}

}  // namespace sallyport
