#include "log/frame.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

constexpr uint64_t kNonce = 0x1234'5678'9abc'def0;

// Whatever the bytes, nothing behind them is looked at, and no frame is longer than its stride.
void check_bytes(std::string_view bytes) {
  FrameHeader header;
  if (parse_frame_header(bytes, header) != FrameState::whole) return;
  CHECK(header.bytes >= kFrameHeaderBytes);
  CHECK(frame_stride(header) >= header.bytes && frame_stride(header) % kFrameAlignment == 0);
  CHECK(!frame_intact(bytes, header, kNonce) || header.bytes <= bytes.size());
}

std::string frame_of(std::string_view records) {
  std::string frame;
  begin_frame(frame);
  frame += records;
  finish_frame(frame,
               {.records = 2,
                .journal = 3,
                .sequence = 5,
                .last = Position{7},
                .stored_at = WallTime(std::chrono::microseconds(11))},
               kNonce);
  return frame;
}

// Any records are read back from their frame, and from no other journal's.
void check_round_trip(std::string_view records) {
  const std::string frame = frame_of(records);
  FrameHeader header;
  CHECK(parse_frame_header(frame, header) == FrameState::whole);
  CHECK(header.bytes == kFrameHeaderBytes + records.size() && frame_stride(header) == frame.size());
  CHECK(header.records == 2 && header.journal == 3 && header.sequence == 5);
  CHECK(header.last == Position{7});
  CHECK(frame_intact(frame, header, kNonce) && !frame_intact(frame, header, kNonce + 1));
  CHECK(frame.substr(kFrameHeaderBytes, records.size()) == records);
  CHECK(!frame_intact(std::string_view(frame).substr(0, header.bytes - 1), header, kNonce));
}

// One bit of what the checksum covers (behind the length, which says what it covers) is noticed.
void check_flipped_bit(std::string_view records) {
  constexpr size_t kBehindTheLength = 12;
  std::string frame = frame_of(records);
  const size_t bits = (kFrameHeaderBytes + records.size() - kBehindTheLength) * 8;
  const size_t bit = (records.size() * 31 + static_cast<uint8_t>(records[0])) % bits;
  char& byte = frame[kBehindTheLength + bit / 8];
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  FrameHeader header;
  CHECK(parse_frame_header(frame, header) == FrameState::whole);
  CHECK(!frame_intact(frame, header, kNonce));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  check_bytes(bytes);
  check_round_trip(bytes);
  if (!bytes.empty()) check_flipped_bit(bytes);
  // The input as the front of an intact frame: what a torn write leaves.
  std::string torn = frame_of(bytes);
  std::copy_n(bytes.begin(), std::min(bytes.size(), torn.size()), torn.begin());
  check_bytes(torn);
  return 0;
}
