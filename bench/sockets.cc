#include "sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "options.h"

namespace carillon {

namespace {

constexpr int kBacklog = 4096;
constexpr size_t kConnectionsOfAddress = 20'000;

sockaddr_in loopback(uint16_t port, size_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<uint32_t>(host));
  return address;
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

std::string last_error() { return std::strerror(errno); }

}  // namespace

void raise_open_files(uint64_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    give_up("only " + std::to_string(limit.rlim_cur) + " open files of " + std::to_string(wanted));
}

int listen_on(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in address = loopback(port, 0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, kBacklog) != 0) {
    give_up("cannot listen on port " + std::to_string(port) + ": " + last_error());
  }
  return fd;
}

int connect_to(uint16_t port, Blocking blocking, size_t index, int receive_bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("no socket: " + last_error());
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (receive_bytes > 0) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
  if (const size_t host = index / kConnectionsOfAddress; host > 0) {
    const sockaddr_in own = loopback(0, host);
    ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own);
  }
  const sockaddr_in address = loopback(port, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("cannot connect to port " + std::to_string(port) + ": " + last_error());
  if (blocking == Blocking::no) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, 1000);
    } else if (errno != EINTR) {
      give_up("the server closed a connection: " + last_error());
    }
  }
}

void sleep_microseconds(uint64_t microseconds) {
  const timespec time{.tv_sec = static_cast<time_t>(microseconds / 1'000'000),
                      .tv_nsec = static_cast<long>(microseconds % 1'000'000 * 1'000)};
  ::nanosleep(&time, nullptr);
}

}  // namespace carillon
