#include "net/http1_stream.h"

#include "net/http1_connection.h"
#include "wire/chunked.h"

namespace carillon {

Loop& Http1Stream::loop() { return connection_.loop(); }

bool Http1Stream::is_clear() const { return !connection_.has_pending(); }

void Http1Stream::wait_writable() { connection_.wait_writable(); }

void Http1Stream::resume_reading() { connection_.resume_reading(); }

// The owner may be the caller, and more of it may stand behind this call: it goes with the turn.
void Http1Stream::let_owner_go() {
  loop().post([owner = take_owner()] {});
}

void Http1Stream::end(std::string pending, std::string_view reason) {
  let_owner_go();
  connection_.end_stream(std::move(pending),
                         framing_ == StreamFraming::chunked ? kLastChunk : std::string_view(),
                         reason);
}

void Http1Stream::cut(std::string_view reason) {
  let_owner_go();
  connection_.close(reason);
}

uint64_t Http1Stream::id() const { return connection_.id(); }

std::string Http1Stream::peer() const { return connection_.peer(); }

WriteResult Http1Stream::write(std::span<const iovec> run) {
  if (!connection_.send_pending()) return {0, WriteState::blocked};
  return send_run(connection_.descriptor(), run);
}

int Http1Stream::plain_descriptor() const {
  return connection_.has_pending() ? -1 : connection_.descriptor();
}

}  // namespace carillon
