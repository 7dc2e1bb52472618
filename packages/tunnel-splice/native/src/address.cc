#include "address.h"

#include <arpa/inet.h>

#include <cstring>

namespace sallyport {

bool parseAddress(const std::string& host, uint16_t port, SocketAddress& address) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof(sockaddr_in);
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address.length = sizeof(sockaddr_in6);
  return true;
}

AddressText formatAddress(const SocketAddress& address) {
  AddressText text{};
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text.host, sizeof(text.host));
    text.port = ntohs(v4->sin_port);
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    const bool isMapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    inet_ntop(isMapped ? AF_INET : AF_INET6, v6->sin6_addr.s6_addr + (isMapped ? 12 : 0), text.host, sizeof(text.host));
    text.port = ntohs(v6->sin6_port);
  }
  text.hostLength = static_cast<uint32_t>(strlen(text.host));
  return text;
}

}  // namespace sallyport
