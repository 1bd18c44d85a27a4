// The few socket calls that load tool and floors share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace carillon {

enum class Blocking { yes, no };

// As many files as this process may open; gives up when `wanted` are not to be had.
void raise_open_files(uint64_t wanted);
// A listening socket on 127.0.0.1, not blocking.
int listen_on(uint16_t port);
// A connection to 127.0.0.1:`port`, Nagle off, that ends with a reset instead of TIME_WAIT. Every
// 20,000th takes the next loopback address as its own, so ports do not run out. `receive_bytes` 0
// leaves the kernel's choice.
int connect_to(uint16_t port, Blocking blocking, size_t index, int receive_bytes);
void send_all(int fd, std::string_view bytes);
void sleep_microseconds(uint64_t microseconds);

}  // namespace carillon
