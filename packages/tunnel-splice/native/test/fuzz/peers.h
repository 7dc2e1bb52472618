// The peers: clients that send a known stream, and an origin that echoes what follows the preface, if there is one.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <vector>

#include "dice.h"
#include "preface.h"

namespace sallyport {

struct Client {
  int fd;
  uint64_t toSay;
  uint64_t said = 0;
  uint64_t heard = 0;
};

struct Echo {
  int fd;
  std::deque<char> held;
  bool hasEnded = false;
  bool isBegun = false;    // it is known whether the stream begins with a preface
  bool isMute = false;
  size_t dripping = 0;     // so many bytes still go in pieces
};

class Peers {
 public:
  Peers() {
    origin_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    REQUIRE(bind(origin_, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(origin_, 512) == 0);
    getsockname(origin_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
  }

  ~Peers() {
    for (auto& client : clients_) close(client.fd);
    for (auto& echo : echoes_) close(echo.fd);
    close(origin_);
  }

  void connectTo(uint16_t door) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(door);
    connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    clients_.push_back({fd, dice(4) == 0 ? dice(2u << 20) : dice(5'000)});
  }

  void step() {
    acceptEchoes();
    clients_.erase(std::remove_if(clients_.begin(), clients_.end(), [this](Client& c) { return !serve(c); }), clients_.end());
    echoes_.erase(std::remove_if(echoes_.begin(), echoes_.end(), [this](Echo& e) { return !serve(e); }), echoes_.end());
  }

  size_t count() const { return clients_.size(); }

  uint16_t port;

 private:
  void acceptEchoes() {
    for (;;) {
      const int fd = accept4(origin_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      echoes_.push_back({fd, {}});
    }
  }

  bool serve(Client& client) {
    char bytes[32'768];
    if (dice(400) == 0) return closeAbruptly(client.fd), false;
    if (client.said < client.toSay) {
      const uint64_t next = client.said == 0 && dice(2) == 0 ? kOpeningLength : 1 + dice(sizeof(bytes));
      const size_t length = std::min<uint64_t>(next, client.toSay - client.said);
      for (size_t i = 0; i < length; i++) bytes[i] = byteAt(client.said + i);
      const ssize_t sent = send(client.fd, bytes, length, MSG_NOSIGNAL);
      if (sent > 0) client.said += static_cast<uint64_t>(sent);
      if (client.said == client.toSay) shutdown(client.fd, SHUT_WR);
    } else if (client.said == 0) {
      shutdown(client.fd, SHUT_WR);
    }
    const ssize_t got = recv(client.fd, bytes, 1 + dice(sizeof(bytes)), 0);
    for (ssize_t i = 0; i < got; i++) REQUIRE(bytes[i] == byteAt(client.heard + static_cast<uint64_t>(i)));
    if (got > 0) client.heard += static_cast<uint64_t>(got);
    REQUIRE(client.heard <= client.said);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == ENOTCONN))) return true;
    close(client.fd);
    return false;
  }

  bool serve(Echo& echo) {
    if (dice(2'000) == 0) return closeAbruptly(echo.fd), false;
    if (!echo.hasEnded && echo.held.size() < 100'000 && !hear(echo)) return close(echo.fd), false;
    if (!echo.isBegun) begin(echo);
    const bool isOver = echo.hasEnded && (echo.held.empty() || echo.isMute || !echo.isBegun);
    if (isOver || !say(echo)) return close(echo.fd), false;
    return true;
  }

  // False where the connection is lost.
  bool hear(Echo& echo) {
    char bytes[32'768];
    const ssize_t got = recv(echo.fd, bytes, 1 + dice(sizeof(bytes)), 0);
    if (got > 0) echo.held.insert(echo.held.end(), bytes, bytes + got);
    if (got == 0) echo.hasEnded = true;
    return got >= 0 || errno == EAGAIN;
  }

  void begin(Echo& echo) {
    if (echo.held.empty()) return;
    const bool hasPreface = echo.held.front() == kPrefaceMark;
    if (hasPreface && echo.held.size() < kPrefaceLength) return;
    echo.isBegun = true;
    if (!hasPreface) return;
    const auto asked = static_cast<Asked>(echo.held[1]);
    const std::string answer = answerTo(asked);
    echo.held.erase(echo.held.begin(), echo.held.begin() + kPrefaceLength);
    echo.isMute = asked == Asked::kNothing;
    // Half an answer, and it is over.
    if (asked == Asked::kHalf) {
      echo.held.clear();
      echo.hasEnded = true;
    }
    echo.held.insert(echo.held.begin(), answer.begin(), answer.end());
    echo.dripping = dice(2) == 0 ? answer.size() : 0;
  }

  bool say(Echo& echo) {
    if (!echo.isBegun || echo.isMute || echo.held.empty()) return true;
    char bytes[32'768];
    const size_t most = echo.dripping > 0 ? 1 + dice(static_cast<uint32_t>(echo.dripping)) : sizeof(bytes);
    const size_t length = std::min(echo.held.size(), most);
    std::copy_n(echo.held.begin(), length, bytes);
    const ssize_t sent = send(echo.fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    echo.held.erase(echo.held.begin(), echo.held.begin() + sent);
    echo.dripping -= std::min(echo.dripping, static_cast<size_t>(sent));
    return true;
  }

  int origin_;
  std::vector<Client> clients_;
  std::vector<Echo> echoes_;
};

}  // namespace sallyport
