#include "net/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace carillon {

WriteResult send_run(int descriptor, std::span<const iovec> run) {
  size_t wanted = 0;
  for (const iovec& piece : run) wanted += piece.iov_len;
  for (;;) {
    ssize_t sent = 0;
    if (run.size() == 1) {
      sent = ::send(descriptor, run[0].iov_base, run[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov =
          const_cast<iovec*>(run.data());  // tidy: allow const_cast: sendmsg only reads it
      message.msg_iovlen = run.size();
      sent = ::sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent >= 0) {
      const auto bytes = static_cast<size_t>(sent);
      return {bytes, bytes == wanted ? WriteState::open : WriteState::blocked};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
      return {0, WriteState::blocked};
    return {0, WriteState::closed};
  }
}

}  // namespace carillon
