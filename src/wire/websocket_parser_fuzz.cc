#include "wire/websocket_parser.h"

#include "base/check.h"
#include "base/text.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

constexpr size_t kMessageBytesMax = 4096;

struct Read {
  std::string items;
  uint16_t refused = 0;
  bool closed = false;
};

void feed(WebSocketParser& parser, std::string_view piece, Read& read) {
  while (!piece.empty() && read.refused == 0 && !read.closed) {
    const auto step = parser.feed(piece);
    if (!step) {
      read.refused = step.error().code;
      CHECK(is_close_code(read.refused));
      return;
    }
    CHECK(step->consumed > 0 && step->consumed <= piece.size());
    CHECK(step->item || step->consumed == piece.size());
    piece.remove_prefix(step->consumed);
    CHECK(parser.held_bytes() <= kMessageBytesMax);
    if (!step->item) continue;
    const WebSocketItem& item = *step->item;
    CHECK(item.data.size() <= kMessageBytesMax);
    if (item.kind == WebSocketItem::Kind::text) CHECK(is_utf8(item.data));
    read.closed = item.kind == WebSocketItem::Kind::close;
    read.items += std::to_string(static_cast<int>(item.kind)) + ":" + item.data + ";";
  }
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  if (size == 0) return 0;
  const WebSocketParser::Options options{.reads = (data[0] & 1) != 0
                                                      ? WebSocketParser::Reads::server_frames
                                                      : WebSocketParser::Reads::client_frames,
                                         .message_bytes_max = kMessageBytesMax,
                                         .deflate = (data[0] & 2) != 0};
  const auto bytes = fuzzed_text(data + 1, size - 1);
  WebSocketParser whole_parser(options);
  Read whole;
  feed(whole_parser, bytes, whole);
  WebSocketParser cut_parser(options);
  Read cut;
  Pieces pieces(bytes);
  while (const auto piece = pieces.next()) feed(cut_parser, *piece, cut);

  CHECK(cut.items == whole.items);
  // Of two mistakes in one message, the cuts may decide which is met first.
  CHECK((cut.refused == 0) == (whole.refused == 0));
  CHECK(cut.closed == whole.closed);
  return 0;
}
