#include "wire/chunked.h"

#include "base/check.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

struct Decoded {
  std::string body;
  bool refused = false;
  bool done = false;
};

void feed(ChunkedDecoder& decoder, std::string_view piece, Decoded& decoded) {
  while (!piece.empty() && !decoder.done() && !decoded.refused) {
    const auto step = decoder.feed(piece);
    if (!step) {
      decoded.refused = true;
      return;
    }
    CHECK(step->consumed > 0 && step->consumed <= piece.size());
    CHECK(step->data.size() <= step->consumed);
    decoded.body += step->data;
    piece.remove_prefix(step->consumed);
  }
  decoded.done = decoder.done();
}

// A body that is encoded again is decoded to itself.
void check_round_trip(std::string_view body) {
  std::string bytes;
  if (!body.empty()) {
    append_chunk_head(bytes, body.size());
    bytes += body;
    bytes += kChunkEnd;
  }
  bytes += kLastChunk;
  ChunkedDecoder decoder;
  Decoded decoded;
  feed(decoder, bytes, decoded);
  CHECK(decoded.done && decoded.body == body);
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  ChunkedDecoder whole_decoder;
  Decoded whole;
  feed(whole_decoder, bytes, whole);
  ChunkedDecoder cut_decoder;
  Decoded cut;
  Pieces pieces(bytes);
  while (const auto piece = pieces.next()) feed(cut_decoder, *piece, cut);

  CHECK(cut.refused == whole.refused);
  CHECK(cut.done == whole.done);
  CHECK(cut.body == whole.body);
  check_round_trip(whole.body);
  return 0;
}
