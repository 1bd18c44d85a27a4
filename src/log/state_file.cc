#include "log/state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace carillon {

namespace {

constexpr std::string_view kStatePrefix = "state-";
constexpr std::string_view kRepeatsPrefix = "repeats-";
constexpr const char* kIdentityName = "identity";
constexpr const char* kWritingName = "writing";
constexpr uint32_t kMagic = 0x54535243;  // "CRST"
constexpr uint32_t kVersion = 1;
constexpr size_t kFileBytesMax = 1024 * kMiB;

// The number in `prefix-0000000012`; 0 when the name is another.
uint64_t number_in(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return 0;
  name.remove_prefix(prefix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

std::string state_name(uint64_t number) { return fmt::format("{}{:010}", kStatePrefix, number); }

// [magic, version, length, body, crc] twice, the second copy on another page.
std::string doubled(std::string_view body) {
  std::string one;
  ByteWriter writer(one);
  writer.put(kMagic);
  writer.put(kVersion);
  writer.put(static_cast<uint64_t>(body.size()));
  writer.put_bytes(body);
  writer.put(crc32c(one));
  std::string out = one;
  out.resize((out.size() / kFrameAlignment + 1) * kFrameAlignment, '\0');
  return out + one;
}

// The body of the copy that begins at `at`; nothing when that is no intact one.
std::optional<std::string_view> body_at(std::string_view file, size_t at) {
  ByteReader reader(file.substr(std::min(at, file.size())));
  const auto whole = file.substr(std::min(at, file.size()));
  const auto magic = reader.take<uint32_t>();
  const auto version = reader.take<uint32_t>();
  const auto length = reader.take<uint64_t>();
  const auto body = reader.take_bytes(length);
  const auto crc = reader.take<uint32_t>();
  if (!reader.ok() || magic != kMagic || version != kVersion) return std::nullopt;
  if (crc32c(whole.substr(0, sizeof magic + sizeof version + sizeof length + body.size())) != crc)
    return std::nullopt;
  return body;
}

// The first intact copy. The second begins on a page behind the first, wherever the first's length
// says nothing.
std::optional<std::string_view> intact_body(std::string_view file) {
  if (auto first = body_at(file, 0)) return first;
  for (size_t at = kFrameAlignment; at < file.size(); at += kFrameAlignment) {
    if (auto second = body_at(file, at)) return second;
  }
  return std::nullopt;
}

// An intact file of a version that is not ours: what it says it is.
std::optional<uint32_t> other_version(std::string_view file) {
  ByteReader reader(file);
  const auto magic = reader.take<uint32_t>();
  const auto version = reader.take<uint32_t>();
  reader.take_bytes(reader.take<uint64_t>());
  const size_t bytes = file.size() - reader.left();
  const auto crc = reader.take<uint32_t>();
  const bool intact = reader.ok() && magic == kMagic && crc32c(file.substr(0, bytes)) == crc;
  return intact && version != kVersion ? std::optional(version) : std::nullopt;
}

Result<> write_doubled(Disk& disk, const std::string& name, std::string_view body) {
  TRY(auto file, disk.open(kWritingName, OpenMode::create));
  TRY(file->write_at(0, doubled(body)));
  TRY(file->sync());
  TRY(disk.rename(kWritingName, name));
  return disk.sync_directory();
}

Result<std::string> read_doubled(Disk& disk, const std::string& name) {
  TRY(auto file, disk.open(name, OpenMode::read));
  TRY(const std::string bytes, read_whole(*file, kFileBytesMax));
  const auto body = intact_body(bytes);
  if (const auto version = body ? std::nullopt : other_version(bytes)) {
    return fail(Errc::conflict,
                "{} has format {}, and this release reads {}: use the one that wrote it", name,
                *version, kVersion);
  }
  if (!body)
    return fail(Errc::corrupt,
                "{} byte 0: both copies are damaged; restore the log from a snapshot", name);
  return std::string(*body);
}

void put_segment(ByteWriter& writer, const StoredSegment& segment) {
  writer.put(segment.id);
  writer.put(segment.first.value);
  writer.put(segment.last.value);
}

StoredSegment take_segment(ByteReader& reader) {
  StoredSegment segment;
  segment.id = reader.take<uint64_t>();
  segment.first = Position{reader.take<uint64_t>()};
  segment.last = Position{reader.take<uint64_t>()};
  return segment;
}

void put_damage(ByteWriter& writer, const Damage& damage) {
  writer.put_string(damage.file);
  writer.put(damage.offset);
  writer.put(damage.after.value);
  writer.put(damage.last.value);
  writer.put(damage.topic.value);
}

Damage take_damage(ByteReader& reader) {
  Damage damage;
  damage.file = reader.take_string();
  damage.offset = reader.take<uint64_t>();
  damage.after = Position{reader.take<uint64_t>()};
  damage.last = Position{reader.take<uint64_t>()};
  damage.topic = TopicId{reader.take<uint32_t>()};
  return damage;
}

void put_topic(ByteWriter& writer, const StoredTopic& topic) {
  writer.put(topic.id.value);
  writer.put_string(topic.name);
  writer.put(static_cast<uint8_t>(topic.listed));
  writer.put(topic.mark.value);
  writer.put(static_cast<uint8_t>(topic.mark_reason));
  writer.put(topic.last.value);
}

StoredTopic take_topic(ByteReader& reader) {
  StoredTopic topic;
  topic.id = TopicId{reader.take<uint32_t>()};
  topic.name = reader.take_string();
  topic.listed = reader.take<uint8_t>() != 0;
  topic.mark = Position{reader.take<uint64_t>()};
  topic.mark_reason = static_cast<MarkReason>(reader.take<uint8_t>());
  topic.last = Position{reader.take<uint64_t>()};
  return topic;
}

std::string encode_state(const StoredState& state) {
  std::string out;
  ByteWriter writer(out);
  writer.put(state.number);
  writer.put(state.sealed_until);
  writer.put(state.sequence);
  writer.put(state.last.value);
  writer.put(static_cast<int64_t>(state.stored_at.time_since_epoch().count()));
  writer.put(state.reserved.value);
  writer.put(static_cast<uint32_t>(state.segments.size()));
  for (const StoredSegment& segment : state.segments) put_segment(writer, segment);
  writer.put(static_cast<uint32_t>(state.topics.size()));
  for (const StoredTopic& topic : state.topics) put_topic(writer, topic);
  writer.put(static_cast<uint32_t>(state.checkpoints.size()));
  for (const auto& [source, value] : state.checkpoints) {
    writer.put_string(source);
    writer.put_string(value);
  }
  writer.put(static_cast<uint32_t>(state.damages.size()));
  for (const Damage& damage : state.damages) put_damage(writer, damage);
  return out;
}

std::optional<StoredState> decode_state(std::string_view bytes) {
  ByteReader reader(bytes);
  StoredState state;
  state.number = reader.take<uint64_t>();
  state.sealed_until = reader.take<uint64_t>();
  state.sequence = reader.take<uint64_t>();
  state.last = Position{reader.take<uint64_t>()};
  state.stored_at = WallTime(std::chrono::microseconds(reader.take<int64_t>()));
  state.reserved = Position{reader.take<uint64_t>()};
  const auto segments = reader.take<uint32_t>();
  for (uint32_t i = 0; i < segments && reader.ok(); ++i)
    state.segments.push_back(take_segment(reader));
  const auto topics = reader.take<uint32_t>();
  for (uint32_t i = 0; i < topics && reader.ok(); ++i) state.topics.push_back(take_topic(reader));
  const auto checkpoints = reader.take<uint32_t>();
  for (uint32_t i = 0; i < checkpoints && reader.ok(); ++i) {
    const auto source = reader.take_string();
    state.checkpoints.emplace_back(source, reader.take_string());
  }
  const auto damages = reader.take<uint32_t>();
  for (uint32_t i = 0; i < damages && reader.ok(); ++i)
    state.damages.push_back(take_damage(reader));
  if (!reader.ok()) return std::nullopt;
  return state;
}

}  // namespace

Result<> check_copies(Disk& disk, const std::string& name) {
  TRY(auto file, disk.open(name, OpenMode::read));
  TRY(const std::string bytes, read_whole(*file, kFileBytesMax));
  const auto first = body_at(bytes, 0);
  if (!first) return fail(Errc::corrupt, "{} byte 0: the first copy is damaged", name);
  for (size_t page = kFrameAlignment; page < bytes.size(); page += kFrameAlignment) {
    if (body_at(bytes, page)) return {};
  }
  return fail(Errc::corrupt, "{}: the second copy is damaged", name);
}

bool is_state_name(std::string_view name) { return number_in(name, kStatePrefix) != 0; }

Result<> write_state(Disk& disk, const StoredState& state) {
  return write_doubled(disk, state_name(state.number), encode_state(state));
}

Result<StoredState> read_state(Disk& disk) {
  TRY(const auto names, disk.list());
  std::vector<uint64_t> numbers;
  for (const auto& name : names) {
    if (const uint64_t number = number_in(name, kStatePrefix); number != 0)
      numbers.push_back(number);
  }
  if (numbers.empty()) return StoredState();
  const uint64_t newest = *std::ranges::max_element(numbers);
  // Never an older one: its marks would bring back what was removed.
  TRY(const std::string body, read_doubled(disk, state_name(newest)));
  auto state = decode_state(body);
  if (!state)
    return fail(Errc::corrupt, "{}: the state cannot be read; restore the log from a snapshot",
                state_name(newest));
  return std::move(*state);
}

Result<> remove_old_states(Disk& disk, uint64_t number) {
  TRY(const auto names, disk.list());
  for (const auto& name : names) {
    const uint64_t found = number_in(name, kStatePrefix);
    if (found != 0 && found < number) TRY(disk.remove(name));
  }
  return {};
}

Result<> remove_younger_states(Disk& disk, uint64_t number) {
  TRY(const auto names, disk.list());
  bool removed = false;
  for (const auto& name : names) {
    if (number_in(name, kStatePrefix) <= number) continue;
    TRY(disk.remove(name));
    removed = true;
  }
  return removed ? disk.sync_directory() : Result<>();
}

std::string repeats_name(uint64_t number) {
  return fmt::format("{}{:010}", kRepeatsPrefix, number);
}

uint64_t repeats_number(std::string_view name) { return number_in(name, kRepeatsPrefix); }

Result<> write_repeats(Disk& disk, uint64_t number, const std::vector<Repeat>& repeats) {
  std::string body;
  for (const Repeat& repeat : repeats) append_repeat_record(body, repeat);
  return write_doubled(disk, repeats_name(number), body);
}

Result<std::vector<Repeat>> read_repeats(Disk& disk, uint64_t number) {
  TRY(const std::string body, read_doubled(disk, repeats_name(number)));
  std::vector<Repeat> repeats;
  std::string_view rest = body;
  RecordHeader header;
  while (parse_record_header(rest, header)) {
    auto repeat = parse_repeat_record(rest);
    if (!repeat) return fail(Errc::corrupt, "{}: an entry cannot be read", repeats_name(number));
    repeats.push_back(std::move(*repeat));
    rest.remove_prefix(padded(header.length));
  }
  return repeats;
}

Result<> write_identity(Disk& disk, Identity identity) {
  std::string body;
  ByteWriter writer(body);
  writer.put(identity.epoch.value);
  writer.put(identity.format);
  return write_doubled(disk, kIdentityName, body);
}

Result<Identity> read_identity(Disk& disk) {
  TRY(const std::string body, read_doubled(disk, kIdentityName));
  ByteReader reader(body);
  Identity identity{.epoch = {reader.take<uint64_t>()}, .format = reader.take<uint32_t>()};
  if (!reader.ok()) return fail(Errc::corrupt, "{}: too short", kIdentityName);
  if (identity.format != kLogFormat) {
    return fail(Errc::conflict,
                "the log has format {}, this release reads {}: use the release that wrote it, or "
                "restore a snapshot of your own",
                identity.format, kLogFormat);
  }
  return identity;
}

}  // namespace carillon
