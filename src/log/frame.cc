#include "log/frame.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace carillon {

namespace {

constexpr uint32_t kMagic = 0x46524143;  // "CARF"
constexpr size_t kMagicAt = 0;
constexpr size_t kCrcAt = 4;
constexpr size_t kBytesAt = 8;
constexpr size_t kRecordsAt = 12;
constexpr size_t kJournalAt = 16;
constexpr size_t kSequenceAt = 24;
constexpr size_t kLastAt = 32;
constexpr size_t kStoredAt = 40;

uint64_t to_page(uint64_t bytes) {
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

uint32_t checksum(std::string_view frame, uint64_t nonce) {
  char seed[sizeof nonce];
  store_little_endian(seed, nonce);
  return crc32c(frame.substr(kBytesAt), crc32c({seed, sizeof seed}));
}

}  // namespace

void begin_frame(std::string& out) { out.assign(kFrameHeaderBytes, '\0'); }

void finish_frame(std::string& out, FrameHeader header, uint64_t nonce) {
  CHECK(out.size() >= kFrameHeaderBytes);
  header.bytes = static_cast<uint32_t>(out.size());
  char* at = out.data();
  store_little_endian(at + kMagicAt, kMagic);
  store_little_endian(at + kBytesAt, header.bytes);
  store_little_endian(at + kRecordsAt, header.records);
  store_little_endian(at + kJournalAt, header.journal);
  store_little_endian(at + kSequenceAt, header.sequence);
  store_little_endian(at + kLastAt, header.last.value);
  store_little_endian(at + kStoredAt,
                      static_cast<int64_t>(header.stored_at.time_since_epoch().count()));
  store_little_endian(at + kCrcAt, checksum(out, nonce));
  out.resize(to_page(out.size()), '\0');
}

FrameState parse_frame_header(std::string_view bytes, FrameHeader& header) {
  if (bytes.size() < kFrameHeaderBytes) return FrameState::none;
  const char* at = bytes.data();
  if (load_little_endian<uint32_t>(at + kMagicAt) != kMagic) {
    const bool empty =
        bytes.substr(0, kFrameHeaderBytes).find_first_not_of('\0') == std::string_view::npos;
    return empty ? FrameState::none : FrameState::damaged;
  }
  header.bytes = load_little_endian<uint32_t>(at + kBytesAt);
  header.records = load_little_endian<uint32_t>(at + kRecordsAt);
  header.journal = load_little_endian<uint64_t>(at + kJournalAt);
  header.sequence = load_little_endian<uint64_t>(at + kSequenceAt);
  header.last = Position{load_little_endian<uint64_t>(at + kLastAt)};
  header.stored_at =
      WallTime(std::chrono::microseconds(load_little_endian<int64_t>(at + kStoredAt)));
  return header.bytes >= kFrameHeaderBytes ? FrameState::whole : FrameState::damaged;
}

bool frame_intact(std::string_view bytes, const FrameHeader& header, uint64_t nonce) {
  if (bytes.size() < header.bytes) return false;
  return checksum(bytes.substr(0, header.bytes), nonce) ==
         load_little_endian<uint32_t>(bytes.data() + kCrcAt);
}

uint64_t frame_stride(const FrameHeader& header) { return to_page(header.bytes); }

}  // namespace carillon
