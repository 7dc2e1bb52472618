// The addresses of this machine's interfaces. Node.js leaves out those of an interface that is down or has no carrier, although the kernel
// still takes them for its own (RFC 1122, section 3.3.4.2, the weak host model).
#pragma once

#include <vector>

#include "address.h"

namespace sallyport {

// Returns 0 or an errno.
int listAddresses(std::vector<SocketAddress>& addresses);

}  // namespace sallyport
