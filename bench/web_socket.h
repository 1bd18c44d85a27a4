// The little of WebSocket (RFC 6455) that load tool and floor speak. (Not the hub's own codec: both
// would be wrong alike.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon {

// The sample key of RFC 6455 section 1.3 on each connection: its answer is known without SHA-1.
inline constexpr std::string_view kSocketAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
inline constexpr std::string_view kSessionSubprotocol = "carillon.v1.json";
// Without context takeover, so that one compressed frame can serve all readers.
inline constexpr std::string_view kDeflateExtension =
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

// The fields of an upgrade, each line with its end; empty members are left out.
struct SocketOffer {
  std::string_view extension;
  std::string_view subprotocol;
};
std::string web_socket_fields(const SocketOffer& offer);

enum class FrameKind : uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
enum class Compressed { no, yes };

// As a client sends it.
void append_client_frame(std::string& out, FrameKind kind, std::string_view payload);
// As a server sends it.
void append_server_frame(std::string& out, FrameKind kind, std::string_view payload,
                         Compressed compressed = Compressed::no);
// A session's subscription to `topic`, which is its id as well.
void append_subscribe_op(std::string& out, const std::string& topic);

struct Frame {
  FrameKind kind;
  Compressed compressed;
  std::string_view payload;  // valid until the next call
};

// The frames of a server, in any pieces. Strict: a mask, an unknown kind, a reserved bit or an
// event in several frames is odd, since no server measured here has a reason for them.
class FrameParser {
 public:
  // Takes the next frame off the front of `bytes`. Without one all was taken and more must come.
  std::optional<Frame> next(std::string_view& bytes);
  bool odd() const { return odd_; }

 private:
  std::optional<Frame> parse(std::string_view whole);

  std::string cut_;     // a frame that has not come whole
  bool given_ = false;  // what cut_ holds
  bool odd_ = false;
};

}  // namespace carillon
