// One WebSocket, whatever HTTP version carries it (RFC 6455): frames are put together, control
// frames are answered, and closing is agreed on.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/exchange.h"
#include "wire/websocket_handshake.h"
#include "wire/websocket_parser.h"

namespace carillon {

class WebSocket;

// What its messages are for: a topic, a session, an echo. Owned by its WebSocket, called on the
// loop's thread.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  // Once, before all else.
  virtual void on_open(WebSocket& socket) = 0;
  // False: no more until WebSocket::resume().
  virtual bool on_item(WebSocketItem item) = 0;
  // Behind a wait_writable().
  virtual void on_writable() = 0;
  virtual void on_sweep(MonotonicTime now) = 0;
  // The hub is ending.
  virtual void on_drain() = 0;
  // What the WebSocket holds goes first now: who writes to the plain descriptor goes through it
  // again, until on_writable(). Only where write_around() was allowed.
  virtual void on_held() {}
  // Nothing goes out any more: the closing has begun, or the peer is gone. Once. The handler lives
  // on until the connection ends, and calls nothing of the WebSocket any more.
  virtual void on_closing() = 0;
  // For /v1/connections: JSON members without braces.
  virtual std::string describe() const = 0;
};

// Owned by its connection. As a transport it takes runs of whole frames from any number of readers,
// and a frame that the socket cut is finished by the WebSocket before anything else is sent: so
// readers may take turns, and control frames stand between frames.
class WebSocket : public DuplexOwner, public Transport {
 public:
  struct Options {
    size_t message_bytes_max = 0;
    bool deflate = false;                     // agreed on for what comes in
    std::chrono::milliseconds ping{15'000};   // a peer that is silent for so long is asked
    std::chrono::milliseconds stall{30'000};  // and for so long after that is gone
  };

  WebSocket(Options options, std::unique_ptr<WebSocketHandler> handler);
  ~WebSocket() override;

  void begin(StreamHandle& handle);

  // The handler's side.

  // Whole frames, behind those that wait.
  void send(std::string_view frames);
  // Reading goes on behind a message that on_item held back at.
  void resume();
  // Nothing stands before what is written now.
  bool is_clear() const { return out_.empty() && handle_->is_clear(); }
  void wait_writable() { handle_->wait_writable(); }
  size_t held_bytes() const { return out_.size(); }
  MonotonicTime taken_at() const { return taken_at_; }
  // Those who write to it: what it holds is held for all of them.
  void add_reader() { ++readers_; }
  void remove_reader() { --readers_; }
  size_t readers() const { return readers_; }
  // There is one reader alone, and it hears of on_held(): it may write to the plain descriptor.
  void allow_write_around() { write_around_ = true; }
  // Says so to the peer, when its socket takes it; `why` is for the operator.
  void close(uint16_t code, std::string_view reason, std::string_view why);
  // Without a word.
  void cut(std::string_view why);
  bool closing() const { return closing_; }
  Loop& loop() { return handle_->loop(); }
  uint64_t id() const { return handle_->id(); }
  std::string peer() const { return handle_->peer(); }

  // Transport
  WriteResult write(std::span<const iovec> run) override;
  WriteResult settle(std::span<const iovec> run, WriteResult result) override;
  int plain_descriptor() const override {
    return write_around_ && !closing_ && is_clear() ? handle_->transport().plain_descriptor() : -1;
  }

  // DuplexOwner
  size_t on_bytes(std::string_view bytes) override;
  void on_sweep(MonotonicTime now) override;
  void on_drain() override;
  void on_writable() override;
  void on_gone() override;
  std::string describe() const override;

 private:
  // False: no more is read now.
  bool take(WebSocketItem item);
  void answer_ping(std::string data);
  void answer_close(const WebSocketItem& item);
  void begin_closing(std::string_view why);
  void flush();
  void finish();

  void watch_incoming(MonotonicTime now);

  size_t readers_ = 0;
  Options options_;
  std::unique_ptr<WebSocketHandler> handler_;
  StreamHandle* handle_ = nullptr;
  WebSocketParser parser_;
  std::string out_;                  // frames that the socket has not taken; the first may be cut
  std::optional<std::string> pong_;  // of the last ping, while out_ waits
  std::string why_ = "closed";
  MonotonicTime heard_{};
  MonotonicTime taken_at_{};        // when the socket took something, or something began to wait
  MonotonicTime incoming_since_{};  // of what has not come whole
  MonotonicTime close_deadline_{};
  bool write_around_ = false;
  bool pinged_ = false;  // and nothing was heard since
  bool paused_ = false;
  bool closing_ = false;      // our close frame is on its way
  bool peer_closed_ = false;  // its close frame came
  bool finished_ = false;
};

// The handshake of a request that asks_for_websocket: nothing when it was refused, and answered so.
std::optional<WebSocketOpening> admit_websocket(Exchange& exchange,
                                                std::span<const std::string_view> subprotocols,
                                                OfferDeflate deflate);
// Answers 101; from then on the handler has the connection. To be called when the answer is due.
void start_websocket(Exchange& exchange, const WebSocketOpening& opening,
                     const WebSocket::Options& options, std::unique_ptr<WebSocketHandler> handler);

}  // namespace carillon
