// Boost.Beast as the other end of our WebSocket, on a wire that lies in memory.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/zlib/error.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "wire/http_head.h"
#include "wire/websocket_handshake.h"
#include "wire/websocket_parser.h"

namespace carillon {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

inline constexpr uint16_t kCloseUnsaid = 1006;  // cut without a close frame

// What one end made of bytes.
struct Heard {
  std::vector<std::string> items;
  uint16_t refused = 0;  // 0: it read all, or up to a close
  std::string why;
};

inline std::string text_of(const WebSocketItem& item) {
  constexpr std::array<std::string_view, 5> kKinds = {"text ", "binary ", "ping ", "pong ",
                                                      "close "};
  std::string out(kKinds[static_cast<size_t>(item.kind)]);
  if (item.kind == WebSocketItem::Kind::close) out += std::to_string(item.code) + " ";
  return out + item.data;
}

// Mostly short ones: headers are cut where they are short.
inline size_t piece_bytes(Random& chance) {
  return 1 + chance.below(chance.below(2) == 0 ? 8 : 32'768);
}

// What our parser makes of `bytes` in random pieces.
inline Heard hear_ours(std::string_view bytes, WebSocketParser::Options options, Random& chance) {
  WebSocketParser parser(options);
  Heard heard;
  while (!bytes.empty()) {
    const auto step = parser.feed(bytes.substr(0, piece_bytes(chance)));
    if (!step) {
      heard.refused = step.error().code;
      heard.why = step.error().detail;
      break;
    }
    bytes.remove_prefix(step->consumed);
    if (!step->item) continue;
    heard.items.push_back(text_of(*step->item));
    if (step->item->kind == WebSocketItem::Kind::close) break;
  }
  return heard;
}

// Beast at one end of a wire that lies in memory; the test holds the other.
class BeastEnd {
 public:
  using Stream = websocket::stream<beast::test::stream>;

  BeastEnd(boost::asio::io_context& context, const websocket::permessage_deflate& deflate)
      : context_(context), far_(context), stream_(context) {
    stream_.next_layer().connect(far_);
    stream_.set_option(deflate);
    stream_.control_callback([this](websocket::frame_type type, beast::string_view data) {
      take_control(type, std::string(data));
    });
  }

  Stream& stream() { return stream_; }
  void give(std::string_view bytes) { boost::asio::write(far_, boost::asio::buffer(bytes)); }
  // Since it was asked last.
  std::string take_written() {
    std::string bytes(far_.str());
    far_.clear();
    return bytes;
  }

  // As a client whom the hub's handshake answers. Nothing when one does not like the other's words.
  std::optional<WebSocketOpening> open() {
    beast::error_code opened = boost::asio::error::would_block;
    stream_.async_handshake("hub.example", "/ws", [&](beast::error_code ec) { opened = ec; });
    run();
    const auto head = parse_request_head(take_written());
    if (!head || !asks_for_websocket(*head)) return std::nullopt;
    const auto opening = open_websocket(*head, {}, OfferDeflate::yes);
    if (!opening) return std::nullopt;
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\n";
    for (const auto& [name, value] : opening->fields()) answer += name + ": " + value + "\r\n";
    give(answer + "\r\n");
    run();
    return opened ? std::nullopt : std::optional(*opening);
  }

  // As a server that has agreed to all that `offer` says.
  void accept(std::string_view offer) {
    std::string request =
        "GET /ws HTTP/1.1\r\nHost: hub.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (!offer.empty()) request += "Sec-WebSocket-Extensions: " + std::string(offer) + "\r\n";
    stream_.accept(boost::asio::buffer(request + "\r\n"));
    take_written();
  }

  // Reads in random pieces to the end of what was given.
  Heard hear(Random& chance) {
    stream_.next_layer().close_remote();
    beast::flat_buffer buffer;
    beast::error_code ended;
    while (!ended) {
      stream_.next_layer().read_size(piece_bytes(chance));
      stream_.read_some(buffer, piece_bytes(chance), ended);
      if (ended || !stream_.is_message_done()) continue;
      const std::string kind = stream_.got_text() ? "text " : "binary ";
      heard_.items.push_back(kind + beast::buffers_to_string(buffer.data()));
      buffer.clear();
    }
    if (ended == websocket::error::closed || ended == boost::asio::error::eof) return heard_;
    heard_.refused = code_said(chance);
    const bool broken =
        heard_.refused == kCloseUnsaid && ended != beast::zlib::error::end_of_stream;
    heard_.why = broken ? "broken compressed data" : ended.message();
    return heard_;
  }

 private:
  void run() {
    context_.restart();
    context_.poll();
  }

  void take_control(websocket::frame_type type, std::string data) {
    WebSocketItem item{.kind = WebSocketItem::Kind::ping, .data = std::move(data)};
    if (type == websocket::frame_type::pong) item.kind = WebSocketItem::Kind::pong;
    if (type == websocket::frame_type::close) {
      item.kind = WebSocketItem::Kind::close;
      if (stream_.reason()) item.code = stream_.reason().code;
    }
    heard_.items.push_back(text_of(item));
  }

  // Of the close frame behind its pongs, read by our own client side.
  uint16_t code_said(Random& chance) {
    const auto answers =
        hear_ours(take_written(), {.reads = WebSocketParser::Reads::server_frames}, chance);
    CHECK(answers.refused == 0);
    if (answers.items.empty() || !answers.items.back().starts_with("close ")) return kCloseUnsaid;
    return static_cast<uint16_t>(std::stoi(answers.items.back().substr(6)));
  }

  boost::asio::io_context& context_;
  beast::test::stream far_;
  Stream stream_;
  Heard heard_;
};

// Words that repeat from near and far, so that every window is used to its edge.
inline std::string random_words(Random& chance, size_t bytes) {
  constexpr std::array<std::string_view, 4> kCharacters = {"a", "é", "€", "😀"};
  std::string out;
  while (out.size() < bytes) {
    const size_t left = bytes - out.size();
    if (!out.empty() && chance.below(4) > 0) {
      const size_t from = out.size() - std::min(out.size(), 1 + chance.below(40'000));
      const auto again = out.substr(from, std::min(left, 3 + chance.below(200)));
      out += again.substr(0, utf8_valid_prefix(again));  // none when it begins inside a character
    }
    const auto character = kCharacters[chance.below(kCharacters.size())];
    if (character.size() <= bytes - out.size()) out += character;
    if (out.size() < bytes) out += static_cast<char>('a' + chance.below(26));
  }
  return out;
}

inline std::string random_bytes(Random& chance, size_t bytes) {
  std::string out(bytes, '\0');
  for (char& byte : out) byte = static_cast<char>(chance.next());
  return out;
}

}  // namespace carillon
