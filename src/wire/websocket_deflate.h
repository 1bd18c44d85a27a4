// permessage-deflate: messages compressed one by one (RFC 7692), by zlib.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib names its z_stream so

namespace carillon {

inline constexpr int kDeflateBitsMin = 9;  // raw deflate of zlib cannot do with 8
inline constexpr int kDeflateBitsMax = 15;

// What was agreed on. Neither side keeps its window from one message to the next, so that one
// compressed frame serves a whole subscription class and an idle connection owns no window.
struct DeflateAgreement {
  int hub_bits = kDeflateBitsMax;  // of the window that the hub compresses with
  bool hub_bits_asked = false;

  // The value of Sec-WebSocket-Extensions in the answer.
  std::string text() const;
};

// By the values of all Sec-WebSocket-Extensions fields of a request: the first offer that we can
// meet (RFC 7692 section 5.1); nothing when there is none. An error says what is no list of
// extensions (RFC 6455 section 9.1).
std::expected<std::optional<DeflateAgreement>, std::string> agree_on_deflate(
    const std::vector<std::string_view>& fields);

// One message as one compressed payload. Reset between messages; holds 256 KiB.
class Deflater {
 public:
  explicit Deflater(int bits);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void append(std::string& out, std::string_view message);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

// A message's payload back, in pieces. Made for one message and dropped behind it.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class State { good, broken, too_large };
  // Appends what `bytes` yield, until `out` would grow beyond `bytes_max`.
  State feed(std::string_view bytes, std::string& out, size_t bytes_max);
  // The message's last byte was fed.
  State finish(std::string& out, size_t bytes_max);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

}  // namespace carillon
