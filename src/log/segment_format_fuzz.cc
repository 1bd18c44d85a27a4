#include "log/segment_format.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

// With the checksum that the decoders look for, so that they go on behind it.
std::string with_checksum(std::string_view bytes) {
  std::string out(bytes);
  ByteWriter(out).put(crc32c(bytes));
  return out;
}

// What is decoded is what was encoded, in each byte.
void check_footer(std::string_view bytes) {
  if (const auto footer = decode_segment_footer(bytes))
    CHECK(encode_segment_footer(*footer) == bytes);
}

void check_order_block(std::string_view bytes) {
  const auto entries = decode_order_block(bytes);
  if (!entries) return;
  CHECK(entries->size() * kOrderEntryBytes + sizeof(uint32_t) == bytes.size());
  CHECK(encode_order_block(*entries, 0, entries->size()) == bytes);
}

void check_trailer(std::string_view bytes) {
  uint32_t version = kSegmentVersion;
  const auto place = decode_segment_trailer(bytes, version);
  if (!place) return;
  CHECK(bytes.size() == kSegmentTrailerBytes);
  const auto again = decode_segment_trailer(encode_segment_trailer(*place), version);
  CHECK(again.has_value() && again->offset == place->offset && again->bytes == place->bytes);
  CHECK(version == kSegmentVersion);
}

void check_all(std::string_view bytes) {
  check_footer(bytes);
  check_order_block(bytes);
  check_trailer(bytes);
  CHECK(!segment_header_intact(bytes, 1) ||
        bytes.substr(0, kSegmentHeaderBytes) == encode_segment_header(1));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  check_all(bytes);
  check_all(with_checksum(bytes));
  check_all(with_checksum(bytes.substr(0, kSegmentTrailerBytes - sizeof(uint32_t))));
  return 0;
}
