// One datagram to a Unix socket, which Node.js cannot send: how a service tells its manager how it is (sd_notify(3)).
#pragma once

#include <string>

namespace sallyport {

// `path` begins with '@' where the socket is in the abstract namespace. Returns 0 or an errno.
int sendDatagram(const std::string& path, const std::string& text);

}  // namespace sallyport
