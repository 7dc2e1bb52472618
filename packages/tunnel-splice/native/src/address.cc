#include "address.h"

#include <arpa/inet.h>

#include <cstring>

namespace sallyport {
namespace {

// As inet_ntop, which uses printf: at one call for each client that was slow enough to measure.
uint32_t writeDottedQuad(const uint8_t* octets, char* text) {
  char* at = text;
  for (int i = 0; i < 4; i++) {
    const uint8_t octet = octets[i];
    if (i > 0) *at++ = '.';
    if (octet >= 100) *at++ = static_cast<char>('0' + octet / 100);
    if (octet >= 10) *at++ = static_cast<char>('0' + octet / 10 % 10);
    *at++ = static_cast<char>('0' + octet % 10);
  }
  return static_cast<uint32_t>(at - text);
}

}  // namespace

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

uint16_t portOf(const SocketAddress& address) {
  if (address.family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
}

bool isSame(const SocketAddress& one, const SocketAddress& other) {
  if (one.family() != other.family() || portOf(one) != portOf(other)) return false;
  if (one.family() == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(&one.storage)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(&other.storage)->sin_addr.s_addr;
  }
  return memcmp(&reinterpret_cast<const sockaddr_in6*>(&one.storage)->sin6_addr,
                &reinterpret_cast<const sockaddr_in6*>(&other.storage)->sin6_addr, sizeof(in6_addr)) == 0;
}

HostKey hostKeyOf(const SocketAddress& address) {
  uint8_t octets[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.family() == AF_INET) memcpy(octets + 12, &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr, 4);
  else memcpy(octets, &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, sizeof(octets));
  HostKey key;
  memcpy(&key.high, octets, 8);
  memcpy(&key.low, octets + 8, 8);
  return key;
}

bool isIpv6(const SocketAddress& address) {
  return address.family() == AF_INET6 &&
         !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
}

AddressText formatAddress(const SocketAddress& address) {
  AddressText text{};
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    text.hostLength = writeDottedQuad(reinterpret_cast<const uint8_t*>(&v4->sin_addr), text.host);
    text.port = ntohs(v4->sin_port);
    return text;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  text.port = ntohs(v6->sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    text.hostLength = writeDottedQuad(v6->sin6_addr.s6_addr + 12, text.host);
    return text;
  }
  inet_ntop(AF_INET6, &v6->sin6_addr, text.host, sizeof(text.host));
  text.hostLength = static_cast<uint32_t>(strlen(text.host));
  return text;
}

}  // namespace sallyport
