#include "net/exchange.h"

#include <cstring>

namespace carillon {

namespace {

// Eight hexadecimal digits and CRLF: a fixed width, so that the head is filled in behind the frame.
// (RFC 9112 section 7.1 allows leading zeros.)
constexpr size_t kChunkHeadBytes = 10;
constexpr char kHex[] = "0123456789abcdef";

}  // namespace

Response problem_response(const Problem& problem, std::string_view extra_members_json) {
  return {
      .status = problem.status,
      .fields = {{"content-type", std::string(kProblemContentType)}, {"cache-control", "no-store"}},
      .body = problem_json(problem, extra_members_json)};
}

size_t open_stream_frame(std::string& out, StreamFraming framing) {
  const size_t from = out.size();
  if (framing == StreamFraming::chunked) out.append(kChunkHeadBytes, '0');
  return from;
}

void close_stream_frame(std::string& out, size_t from, StreamFraming framing) {
  if (framing == StreamFraming::plain) return;
  size_t bytes = out.size() - from - kChunkHeadBytes;
  char* head = out.data() + from;
  for (size_t i = 8; i-- > 0; bytes >>= 4) head[i] = kHex[bytes & 0xf];
  std::memcpy(head + 8, "\r\n", 2);
  out += "\r\n";
}

}  // namespace carillon
