#include "net/websocket.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"

namespace carillon {

namespace {

// How long a peer may take to answer a close, or to take ours.
constexpr std::chrono::seconds kCloseTime{5};

// The rest of the frame in which `run` is cut behind `taken` bytes. A frame lies in one piece of a
// run, and each piece begins with one.
std::string_view rest_of_cut_frame(std::span<const iovec> run, size_t taken) {
  for (const iovec& piece : run) {
    if (taken >= piece.iov_len) {
      taken -= piece.iov_len;
      continue;
    }
    const std::string_view bytes(static_cast<const char*>(piece.iov_base), piece.iov_len);
    uint64_t at = 0;
    while (at < taken) at += websocket_frame_bytes(bytes.substr(at));
    return bytes.substr(taken, at - taken);
  }
  return {};
}

}  // namespace

WebSocket::WebSocket(Options options, std::unique_ptr<WebSocketHandler> handler)
    : options_(options),
      handler_(std::move(handler)),
      parser_({.reads = WebSocketParser::Reads::client_frames,
               .message_bytes_max = options.message_bytes_max,
               .deflate = options.deflate}) {}

WebSocket::~WebSocket() = default;

void WebSocket::begin(StreamHandle& handle) {
  handle_ = &handle;
  heard_ = loop().now();
  handler_->on_open(*this);
}

// --- out -----------------------------------------------------------------------------------------

void WebSocket::send(std::string_view frames) {
  if (closing_ || frames.empty()) return;
  if (out_.empty()) taken_at_ = loop().now();
  out_ += frames;
  flush();
  if (!out_.empty()) handler_->on_held();
}

WriteResult WebSocket::write(std::span<const iovec> run) {
  if (!out_.empty() || closing_) return {0, WriteState::blocked};
  return settle(run, handle_->transport().write(run));
}

WriteResult WebSocket::settle(std::span<const iovec> run, WriteResult result) {
  if (result.bytes > 0) taken_at_ = loop().now();
  if (result.state != WriteState::blocked || result.bytes == 0) return result;
  // What was begun is ours to finish: others may write next.
  out_ = rest_of_cut_frame(run, result.bytes);
  result.bytes += out_.size();
  if (!out_.empty()) handle_->wait_writable();
  return result;
}

void WebSocket::flush() {
  while (!out_.empty()) {
    const iovec run{out_.data(), out_.size()};
    const auto result = handle_->transport().write({&run, 1});
    if (result.bytes > 0) taken_at_ = loop().now();
    out_.erase(0, result.bytes);
    // (A peer that is gone is told of by its connection, not from inside a write.)
    if (result.state == WriteState::closed) out_.clear();
    if (result.state == WriteState::blocked) return handle_->wait_writable();
    if (out_.empty() && pong_)
      append_websocket_frame(out_, WebSocketOpcode::pong, *std::exchange(pong_, std::nullopt));
  }
  std::string().swap(out_);
  if (closing_ && peer_closed_) finish();
}

void WebSocket::on_writable() {
  flush();
  if (!out_.empty() || closing_ || finished_) return;
  handler_->on_writable();
}

// --- in ------------------------------------------------------------------------------------------

size_t WebSocket::on_bytes(std::string_view bytes) {
  heard_ = loop().now();
  pinged_ = false;
  auto rest = bytes;
  while (!rest.empty() && !paused_ && !peer_closed_ && !finished_) {
    auto step = parser_.feed(rest);
    if (!step) {
      const auto refusal = step.error();
      close(refusal.code, refusal.detail, "protocol error");
      // Where its next frame begins nobody knows: it is not listened to any more.
      peer_closed_ = true;
      flush();
      return bytes.size();
    }
    rest.remove_prefix(step->consumed);
    if (step->item && !take(std::move(*step->item))) paused_ = true;
  }
  return peer_closed_ || finished_ ? bytes.size() : bytes.size() - rest.size();
}

bool WebSocket::take(WebSocketItem item) {
  switch (item.kind) {
    case WebSocketItem::Kind::ping: answer_ping(std::move(item.data)); return true;
    case WebSocketItem::Kind::pong: return true;
    case WebSocketItem::Kind::close: answer_close(item); return true;
    case WebSocketItem::Kind::text:
    case WebSocketItem::Kind::binary: return closing_ || handler_->on_item(std::move(item));
  }
  return true;
}

// Of many pings behind a full socket the last is answered (RFC 6455 section 5.5.3).
void WebSocket::answer_ping(std::string data) {
  if (closing_) return;
  if (!out_.empty()) {
    pong_ = std::move(data);
    return;
  }
  taken_at_ = loop().now();
  append_websocket_frame(out_, WebSocketOpcode::pong, data);
  flush();
  if (!out_.empty()) handler_->on_held();
}

void WebSocket::answer_close(const WebSocketItem& item) {
  peer_closed_ = true;
  if (!closing_) {
    begin_closing("client closed");
    if (item.code == kCloseNoCode) {
      append_websocket_frame(out_, WebSocketOpcode::close, "");
    } else {
      append_close_frame(out_, item.code, "");
    }
  }
  flush();
}

void WebSocket::resume() {
  if (!paused_) return;
  paused_ = false;
  heard_ = loop().now();
  handle_->resume_reading();
}

// --- the end -------------------------------------------------------------------------------------

void WebSocket::begin_closing(std::string_view why) {
  closing_ = true;
  why_ = why;
  close_deadline_ = loop().now() + kCloseTime;
  pong_.reset();
  handler_->on_closing();
}

void WebSocket::close(uint16_t code, std::string_view reason, std::string_view why) {
  if (closing_ || finished_) return;
  begin_closing(why);
  append_close_frame(out_, code, reason);
  if (paused_) {
    // Its answer stands behind what was not read.
    paused_ = false;
    handle_->resume_reading();
  }
  flush();
}

void WebSocket::cut(std::string_view why) {
  if (finished_) return;
  if (!closing_) begin_closing(why);
  finished_ = true;
  handle_->cut(why_);
}

// Both sides have said their last (RFC 6455 section 7.1.1: the server ends the connection).
void WebSocket::finish() {
  if (finished_) return;
  finished_ = true;
  handle_->end({}, why_);
}

void WebSocket::on_sweep(MonotonicTime now) {
  if (finished_) return;
  if (closing_) {
    if (now >= close_deadline_) cut(why_);
    return;
  }
  handler_->on_sweep(now);
  if (closing_) return;
  if (!out_.empty() && now - taken_at_ >= options_.stall)
    return close(kCloseTooSlow, "too slow: nothing was taken for too long", "stalled");
  watch_incoming(now);
  // What is not read says nothing of the peer.
  if (closing_ || paused_) return;
  if (pinged_ && now - heard_ >= options_.ping + options_.stall) return cut("silent");
  if (pinged_ || now - heard_ < options_.ping) return;
  pinged_ = true;
  std::string frame;
  append_websocket_frame(frame, WebSocketOpcode::ping, "");
  send(frame);
}

// As a body of HTTP: it may take its time at first, and then has a rate.
void WebSocket::watch_incoming(MonotonicTime now) {
  if (paused_ || parser_.held_bytes() == 0) {
    incoming_since_ = {};
    return;
  }
  if (incoming_since_ == MonotonicTime()) incoming_since_ = now;
  const auto taken = std::chrono::duration_cast<std::chrono::seconds>(now - incoming_since_);
  if (taken <= kBodyGrace) return;
  const auto due = static_cast<uint64_t>((taken - kBodyGrace).count()) * kBodyBytesPerSecondMin;
  if (parser_.held_bytes() < due)
    close(kCloseTooSlow, "too slow: send at least 1 KiB a second", "came too slowly");
}

void WebSocket::on_drain() {
  if (!closing_) handler_->on_drain();
}

void WebSocket::on_gone() {
  finished_ = true;
  if (closing_) return;
  closing_ = true;
  handler_->on_closing();
}

std::string WebSocket::describe() const {
  return closing_ ? fmt::format(R"({},"closing":"{}")", handler_->describe(), why_)
                  : handler_->describe();
}

std::optional<WebSocketOpening> admit_websocket(Exchange& exchange,
                                                std::span<const std::string_view> subprotocols,
                                                OfferDeflate deflate) {
  exchange.hold_for_upgrade();
  auto opening = open_websocket(exchange.head(), subprotocols, deflate);
  if (opening) return std::move(*opening);
  const bool version = opening.error().status == kUpgradeRequired.status;
  auto response = problem_response(make_problem(std::move(opening).error()));
  if (version) {
    for (auto& field : websocket_version_fields()) response.fields.push_back(std::move(field));
  }
  exchange.respond(std::move(response));
  return std::nullopt;
}

void start_websocket(Exchange& exchange, const WebSocketOpening& opening,
                     const WebSocket::Options& options, std::unique_ptr<WebSocketHandler> handler) {
  auto with_deflate = options;
  with_deflate.deflate = opening.deflate.has_value();
  auto socket = std::make_unique<WebSocket>(with_deflate, std::move(handler));
  WebSocket& begun = *socket;
  Response head{.status = 101, .fields = opening.fields(), .body = {}};
  if (StreamHandle* handle = exchange.start_duplex(std::move(head), std::move(socket)))
    begun.begin(*handle);
}

}  // namespace carillon
