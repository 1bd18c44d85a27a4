// Where a run of bytes goes: a descriptor, later a TLS descriptor or an HTTP/2 stream, or a fake in
// tests.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace carillon {

enum class WriteState {
  open,     // took everything
  blocked,  // took what it could; wait for writability
  closed,   // the peer is gone
};

struct WriteResult {
  size_t bytes = 0;
  WriteState state = WriteState::open;
};

// Takes a run of frames and says how many bytes it took. Never blocks, keeps nothing: what was not
// taken is offered again. Used on its loop's thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual WriteResult write(std::span<const iovec> run) = 0;
  // The plain descriptor that write() sends to, so that the fan-out may send without a virtual
  // call; -1 when there is more between.
  virtual int plain_descriptor() const = 0;
  // Of a run that was sent to the plain descriptor and not taken whole: what write() would have
  // said of it.
  virtual WriteResult settle(std::span<const iovec> /*run*/, WriteResult result) { return result; }
};

// One gathered, non-blocking send. Shared by every plain transport.
WriteResult send_run(int descriptor, std::span<const iovec> run);

}  // namespace carillon
