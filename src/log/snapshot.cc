#include "log/snapshot.h"

#include <algorithm>

#include "base/limits.h"
#include "log/state_file.h"

namespace carillon {

namespace {

constexpr size_t kCopyBytes = 1 * kMiB;

Result<> copy_bytes(const File& source, Disk& into, const std::string& name, uint64_t bytes_max) {
  TRY(auto target, into.open(name, OpenMode::create));
  std::string piece(kCopyBytes, '\0');
  uint64_t at = 0;
  while (at < bytes_max) {
    TRY(const size_t got,
        source.read_at(at, piece.data(), std::min<uint64_t>(piece.size(), bytes_max - at)));
    if (got == 0) break;
    TRY(target->write_at(at, std::string_view(piece).substr(0, got)));
    at += got;
  }
  return target->sync();
}

Result<> copy_file(Disk& from, Disk& into, const std::string& name) {
  TRY(auto source, from.open(name, OpenMode::read));
  return copy_bytes(*source, into, name, UINT64_MAX);
}

Result<> write_file(Disk& into, const std::string& name, std::string_view bytes) {
  TRY(auto target, into.open(name, OpenMode::create));
  TRY(target->write_at(0, bytes));
  return target->sync();
}

Result<std::string> content_of(Disk& disk, const std::string& name) {
  TRY(auto file, disk.open(name, OpenMode::read));
  TRY(const uint64_t bytes, file->size());
  return read_exactly(*file, 0, bytes);
}

bool belongs_to_log(std::string_view name) {
  return name == "identity" || is_state_name(name) || repeats_number(name) != 0 ||
         Segment::id_of(name) != 0 || Journal::id_of(name) != 0;
}

Result<> check_empty(Disk& disk, std::string_view what) {
  TRY(const auto names, disk.list());
  if (names.empty()) return {};
  return fail(Errc::conflict, "{} is not empty; name an empty or absent directory", what);
}

}  // namespace

Result<Snapshot> Snapshot::gather(Disk& disk, LogState& state) {
  Snapshot snapshot;
  TRY(const auto names, disk.list());
  for (const auto& name : names) {
    if (!is_state_name(name) && repeats_number(name) == 0) continue;
    TRY(auto bytes, content_of(disk, name));
    snapshot.small_.emplace_back(name, std::move(bytes));
  }
  TRY(snapshot.identity_, content_of(disk, "identity"));
  const std::scoped_lock lock(state.mutex);
  for (const auto& segment : state.segments) {
    snapshot.large_.push_back(
        {Segment::name_of(segment->id()), segment->file_bytes(), &segment->file()});
    snapshot.open_.push_back(segment);
  }
  // What a journal holds beyond its last frame at this moment is left out.
  for (const auto& index : state.journals) {
    const auto& journal = index->journal();
    snapshot.large_.push_back({Journal::name_of(journal->id()),
                               std::max<uint64_t>(kFrameAlignment, index->end()),
                               &journal->file()});
    snapshot.open_.push_back(journal);
  }
  return snapshot;
}

Result<> Snapshot::copy(Disk& into) const {
  TRY(check_empty(into, "the directory"));
  for (const auto& [name, bytes] : small_) TRY(write_file(into, name, bytes));
  for (const Large& one : large_) TRY(copy_bytes(*one.file, into, one.name, one.bytes));
  TRY(into.sync_directory());
  TRY(write_file(into, "identity", identity_));
  return into.sync_directory();
}

namespace {

Result<Epoch> restore_into(Disk& from, Disk& into, Random& random) {
  auto identity = read_identity(from);
  if (!identity && identity.error().code == Errc::not_found) {
    return fail(Errc::not_found,
                "there is no whole snapshot: the directory of one holds a file 'identity'");
  }
  if (!identity) return std::unexpected(std::move(identity).error());
  TRY(const auto names, from.list());
  for (const auto& name : names) {
    if (belongs_to_log(name) && name != "identity") TRY(copy_file(from, into, name));
  }
  TRY(into.sync_directory());
  // Last, so that an interrupted restore is no log yet.
  const Epoch epoch{static_cast<uint32_t>(random.next() | 1)};
  TRY(write_identity(into, {.epoch = epoch}));
  return epoch;
}

}  // namespace

Result<Epoch> restore_snapshot(Disk& from, Disk& into, Random& random) {
  TRY(check_empty(into, "the data directory"));
  auto restored = restore_into(from, into, random);
  if (restored) return restored;
  // The next try must find the directory as empty as this one did.
  if (const auto names = into.list()) {
    for (const auto& name : *names) (void)into.remove(name);
  }
  return restored;
}

}  // namespace carillon
