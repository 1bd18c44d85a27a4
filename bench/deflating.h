// permessage-deflate without context takeover (RFC 7692), by zlib: each payload stands alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench_event.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib names its z_stream so

namespace carillon {

// What a floor compresses with: once an event, whatever its readers are.
class FrameDeflater {
 public:
  FrameDeflater();
  ~FrameDeflater();
  FrameDeflater(const FrameDeflater&) = delete;
  FrameDeflater& operator=(const FrameDeflater&) = delete;

  void append(std::string& out, std::string_view plain);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

// What readers find in compressed payloads. Thousands of them get the same bytes, so a payload is
// inflated once and then known: the tool must not become slower than what it measures.
class FrameInflater {
 public:
  FrameInflater();
  ~FrameInflater();
  FrameInflater(const FrameInflater&) = delete;
  FrameInflater& operator=(const FrameInflater&) = delete;

  // Nothing when it is not to be inflated or holds no event.
  std::optional<BenchEvent> find_event(std::string_view payload, size_t event_bytes);

 private:
  std::optional<std::string_view> inflate(std::string_view payload);

  // (Transparent: else each look-up would make a string.)
  struct PayloadHash {
    using is_transparent = void;
    size_t operator()(std::string_view payload) const {
      return std::hash<std::string_view>{}(payload);
    }
  };

  std::unique_ptr<z_stream_s> stream_;
  std::string plain_;
  std::unordered_map<std::string, BenchEvent, PayloadHash, std::equal_to<>> known_;
};

}  // namespace carillon
