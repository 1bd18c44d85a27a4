#include "log/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "base/planted.h"

namespace carillon {

namespace {

constexpr std::string_view kPrefix = "journal-";
constexpr std::string_view kFillingName = "filling";
constexpr uint32_t kMagic = 0x4a524143;  // "CARJ"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 4 + 4 + 8 + 8 + 8;
// The header stands twice in its page, so that one damaged place does not take the events away.
constexpr uint64_t kSecondHeaderAt = kFrameAlignment / 2;
constexpr size_t kFillBytes = 1 * kMiB;
// Written out in pieces: a sync of a whole journal at once would hold up the commits' own.
constexpr uint64_t kSyncEveryBytes = 4 * kMiB;

struct Header {
  uint64_t nonce = 0;
  uint64_t bytes = 0;
};

std::string encode_header(uint64_t id, uint64_t nonce, uint64_t bytes) {
  std::string out;
  ByteWriter writer(out);
  writer.put(kMagic);
  writer.put(kVersion);
  writer.put(id);
  writer.put(nonce);
  writer.put(bytes);
  writer.put(crc32c(out));
  return out;
}

// Errc::corrupt when it cannot be trusted, Errc::conflict when a later release wrote it.
Result<Header> decode_header(std::string_view bytes, uint64_t id) {
  ByteReader reader(bytes);
  const auto magic = reader.take<uint32_t>();
  const auto version = reader.take<uint32_t>();
  const auto stored_id = reader.take<uint64_t>();
  Header header{.nonce = reader.take<uint64_t>(), .bytes = reader.take<uint64_t>()};
  const auto crc = reader.take<uint32_t>();
  if (!reader.ok() || magic != kMagic || crc != crc32c(bytes.substr(0, kHeaderBytes)) ||
      stored_id != id) {
    return fail(Errc::corrupt, "{} byte 0: the journal's header is damaged", Journal::name_of(id));
  }
  if (version != kVersion) {
    return fail(Errc::conflict,
                "{} has format version {}; this release reads {}: use the release that wrote it",
                Journal::name_of(id), version, kVersion);
  }
  return header;
}

Result<> write_zeros(File& file, uint64_t from, uint64_t to, const Pace& pace) {
  const std::string zeros(kFillBytes, '\0');
  uint64_t unsynced = 0;
  for (uint64_t at = from; at < to; at += zeros.size()) {
    const auto piece = std::string_view(zeros).substr(0, std::min<uint64_t>(zeros.size(), to - at));
    TRY(file.write_at(at, piece));
    unsynced += piece.size();
    if (unsynced >= kSyncEveryBytes) {
      TRY(file.sync());
      unsynced = 0;
    }
    keep_pace(pace, piece.size());
  }
  return file.sync();
}

// Zeros and header in the file `filling`, which then takes its name.
Result<> prepare(Disk& disk, File& file, uint64_t id, uint64_t bytes, uint64_t nonce,
                 const Pace& pace) {
  TRY(write_zeros(file, 0, bytes, pace));
  const auto header = encode_header(id, nonce, bytes);
  TRY(file.write_at(0, header));
  TRY(file.write_at(kSecondHeaderAt, header));
  TRY(file.sync());
  TRY(disk.rename(std::string(kFillingName), Journal::name_of(id)));
  return disk.sync_directory();
}

bool all_zeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

std::string Journal::name_of(uint64_t id) { return fmt::format("{}{:010}", kPrefix, id); }

uint64_t Journal::id_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  return error == std::errc() && end == name.data() + name.size() ? id : 0;
}

Journal::Journal(uint64_t id, uint64_t nonce, uint64_t bytes, std::unique_ptr<File> file)
    : id_(id), nonce_(nonce), bytes_(bytes), end_(kFrameAlignment), file_(std::move(file)) {}

Result<std::unique_ptr<Journal>> Journal::fill(Disk& disk, uint64_t id, uint64_t bytes,
                                               uint64_t nonce, const Pace& pace) {
  TRY(auto file, disk.open(std::string(kFillingName), OpenMode::create));
  TRY(prepare(disk, *file, id, bytes, nonce, pace));
  std::unique_ptr<Journal> made;
  // tidy: allow new: private constructor
  made.reset(new Journal(id, nonce, bytes, std::move(file)));
  return made;
}

Result<std::unique_ptr<Journal>> Journal::recycle(Disk& disk, Journal& sealed, uint64_t id,
                                                  uint64_t nonce, const Pace& pace) {
  TRY(disk.rename(name_of(sealed.id()), std::string(kFillingName)));
  TRY(auto file, disk.open(std::string(kFillingName), OpenMode::write));
  TRY(prepare(disk, *file, id, sealed.bytes(), nonce, pace));
  std::unique_ptr<Journal> made;
  // tidy: allow new: private constructor
  made.reset(new Journal(id, nonce, sealed.bytes(), std::move(file)));
  return made;
}

Result<std::unique_ptr<Journal>> Journal::open(Disk& disk, uint64_t id) {
  TRY(auto file, disk.open(name_of(id), OpenMode::write));
  std::string page(kFrameAlignment, '\0');
  TRY(const size_t got, file->read_at(0, page.data(), page.size()));
  const auto head = std::string_view(page).substr(0, got);
  auto header = decode_header(head, id);
  if (!header && header.error().code == Errc::corrupt && got > kSecondHeaderAt) {
    header = decode_header(head.substr(kSecondHeaderAt), id);
  }
  if (!header) return std::unexpected(std::move(header).error());
  std::unique_ptr<Journal> made;
  // tidy: allow new: private constructor
  made.reset(new Journal(id, header->nonce, header->bytes, std::move(file)));
  return made;
}

Result<> Journal::continue_at(uint64_t end) {
  CHECK(end <= bytes_ && end % kFrameAlignment == 0);
  TRY(file_->sync());
  end_ = end;
  return {};
}

Result<> Journal::clear_rest() {
  std::string rest(kFillBytes, '\0');
  for (uint64_t at = end_; at < bytes_; at += rest.size()) {
    TRY(const size_t got,
        file_->read_at(at, rest.data(), std::min<uint64_t>(rest.size(), bytes_ - at)));
    const auto piece = std::string_view(rest).substr(0, got);
    if (!all_zeros(piece)) TRY(file_->write_at(at, std::string(got, '\0')));
  }
  return file_->sync();
}

Result<Position> unchecked_last_position(Disk& disk, uint64_t id) {
  TRY(const auto file, disk.open(Journal::name_of(id), OpenMode::read));
  TRY(const uint64_t bytes, file->size());
  Position last;
  std::string head(kFrameHeaderBytes, '\0');
  for (uint64_t at = kFrameAlignment; at < bytes; at += kFrameAlignment) {
    TRY(const size_t got, file->read_at(at, head.data(), head.size()));
    FrameHeader header;
    const bool plausible = got == head.size() &&
                           parse_frame_header(head, header) == FrameState::whole &&
                           header.journal == id && header.bytes <= bytes - at;
    if (plausible) last = std::max(last, header.last);
  }
  return last;
}

namespace {

// What the tests' checker must find (base/planted.h): a frame counts as written, and is not before
// the next one comes.
Result<> write_one_late(File& file, uint64_t at, std::string_view frame) {
  static std::string late;
  static uint64_t late_at = 0;
  static File* late_in = nullptr;
  if (late_in != nullptr) TRY(late_in->write_at(late_at, late));
  late = frame;
  late_at = at;
  late_in = &file;
  return {};
}

}  // namespace

Result<> Journal::append(std::string_view frame) {
  CHECK(has_room_for(frame.size()));
  CHECK(frame.size() % kFrameAlignment == 0);
  TRY(is_planted("early-ack") ? write_one_late(*file_, end_, frame) : file_->write_at(end_, frame));
  TRY(file_->sync());
  end_ += frame.size();
  return {};
}

Result<JournalScan> scan_journal(const Journal& journal) {
  TRY(const std::string bytes, read_whole(journal.file(), journal.bytes()));
  return scan_journal(journal, bytes);
}

JournalScan scan_journal(const Journal& journal, std::string_view bytes) {
  JournalScan scan;
  scan.end = kFrameAlignment;
  uint64_t at = kFrameAlignment;
  while (at < bytes.size()) {
    ScannedFrame frame{.offset = at, .header = {}};
    const auto here = bytes.substr(at);
    const auto state = parse_frame_header(here, frame.header);
    if (state == FrameState::whole && frame.header.journal == journal.id() &&
        frame_intact(here, frame.header, journal.nonce())) {
      if (at != scan.end) scan.damage.push_back({scan.end, at});
      scan.torn = false;
      at += frame_stride(frame.header);
      scan.end = at;
      scan.frames.push_back(frame);
      continue;
    }
    // Not a frame: damage if an intact one follows, a torn tail or the unused rest otherwise.
    if (state != FrameState::none || !all_zeros(here.substr(0, kFrameAlignment))) scan.torn = true;
    at += kFrameAlignment;
  }
  return scan;
}

}  // namespace carillon
