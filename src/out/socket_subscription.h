// One reader of a WebSocket, of which there may be several.
#pragma once

#include <string>
#include <string_view>

#include "net/websocket.h"
#include "out/stream_reader.h"

namespace carillon {

// Owned by the WebSocket's handler, which outlives it; on its loop. To its reader it is what a
// connection is to the reader of a stream; the end of one is the end of the WebSocket, said by a
// close code.
class SocketSubscription : public StreamHandle {
 public:
  SocketSubscription(WebSocket& socket, FanOut& fan_out, StreamReader::Start start)
      : socket_(socket), reader_(fan_out, std::move(start)) {
    socket_.add_reader();
  }
  ~SocketSubscription() override { socket_.remove_reader(); }

  // What its peer must know before is sent.
  void begin() { reader_.begin(*this); }
  // Reads no more.
  void stop() { reader_.on_gone(); }
  StreamReader& reader() { return reader_; }
  const StreamReader& reader() const { return reader_; }

  // StreamHandle
  Transport& transport() override { return socket_; }
  StreamFraming framing() const override { return StreamFraming::plain; }
  Loop& loop() override { return socket_.loop(); }
  bool is_clear() const override { return socket_.is_clear(); }
  void wait_writable() override { socket_.wait_writable(); }
  // Its share: what a socket holds is counted once, however many read by it.
  size_t held_bytes() const override { return socket_.held_bytes() / socket_.readers(); }
  MonotonicTime taken_at() const override { return socket_.taken_at(); }
  void end(std::string pending, std::string_view reason) override;
  void cut(std::string_view reason) override;
  uint64_t id() const override { return socket_.id(); }
  std::string peer() const override { return socket_.peer(); }

 private:
  WebSocket& socket_;
  StreamReader reader_;
};

}  // namespace carillon
