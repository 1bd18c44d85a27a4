// The chunked transfer coding (RFC 9112 section 7.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "wire/http_head.h"

namespace carillon {

// Trailers are read and dropped; a client has no reason to send more.
inline constexpr size_t kTrailerBytesMax = 8 * 1024;

// Takes a chunked body in pieces of any size and yields its bytes as views of what was fed. Strict:
// hexadecimal sizes, exact CRLF, well-formed extensions within a budget for the whole body,
// trailers checked and dropped.
//
// A value of one request. After a refusal it must not be fed again. How large the body may be is
// the caller's question.
class ChunkedDecoder {
 public:
  struct Step {
    size_t consumed;        // of what was fed; the rest is fed again
    std::string_view data;  // body bytes, within what was fed; may be empty
  };

  // Takes as much of `in` as one run of data or what lies between two of them. Nothing once done().
  std::expected<Step, HttpRefusal> feed(std::string_view in);
  // The empty line behind the trailers was seen.
  bool done() const { return state_ == State::done; }
  // Bytes of the chunk being read that have not come yet.
  uint64_t announced() const { return left_; }

 private:
  enum class State { size, data, data_end, trailer, done };

  using Line = std::expected<bool, HttpRefusal>;
  // Moves bytes of `in` into line_ up to a line end; true when line_ is whole, without its CRLF.
  Line take_line(std::string_view& in, size_t bytes_max);
  std::expected<void, HttpRefusal> take_size_line();
  std::expected<void, HttpRefusal> take_trailer_line();
  std::expected<void, HttpRefusal> take_data_end(std::string_view& in);

  State state_ = State::size;
  uint64_t left_ = 0;           // of the chunk being read
  size_t extension_bytes_ = 0;  // of all chunks so far
  size_t trailer_bytes_ = 0;
  std::string line_;  // the part of a line that came with an earlier feed
};

// Writing: the head, `bytes` of data, kChunkEnd; and after the last one kLastChunk.
void append_chunk_head(std::string& out, size_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace carillon
