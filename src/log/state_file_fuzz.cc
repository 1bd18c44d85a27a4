#include "log/state_file.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "testing/fake_disk.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

constexpr const char* kStateName = "state-0000000001";
constexpr const char* kIdentityName = "identity";

// A copy as docs/reference/log-format.md has it, so that its body is looked at.
std::string copy_of(std::string_view body) {
  std::string out = "CRST";
  ByteWriter writer(out);
  writer.put(uint32_t{1});
  writer.put(static_cast<uint64_t>(body.size()));
  writer.put_bytes(body);
  writer.put(crc32c(out));
  return out;
}

StoredState some_state() {
  return {.number = 1,
          .sealed_until = 2,
          .sequence = 3,
          .last = Position{400},
          .reserved = Position{500},
          .segments = {{.id = 1, .first = Position{10}, .last = Position{300}}},
          .topics = {{.id = TopicId{1}, .name = "news", .listed = true, .mark = Position{7}}},
          .checkpoints = {{"db", "lsn-7"}},
          .damages = {}};
}

// As it is written.
std::string written(const StoredState& state) {
  FakeDisk disk;
  CHECK(write_state(disk, state).has_value());
  return disk.content(kStateName);
}

// Whatever the file holds, it is read or refused by name.
void check_files(const std::string& bytes) {
  FakeDisk disk;
  for (const std::string& name :
       {std::string(kStateName), std::string(kIdentityName), repeats_name(1)}) {
    disk.put(name, bytes);
    if (const auto checked = check_copies(disk, name); !checked)
      CHECK(checked.error().code == Errc::corrupt);
  }
  auto state = read_state(disk);
  if (state) {
    state->number = 1;
    const auto once = written(*state);
    FakeDisk again;
    again.put(kStateName, once);
    const auto reread = read_state(again);
    CHECK(reread.has_value() && written(*reread) == once);
  } else {
    CHECK(state.error().code == Errc::corrupt);
  }
  const auto identity = read_identity(disk);
  CHECK(identity || identity.error().code == Errc::corrupt ||
        identity.error().code == Errc::conflict);
  const auto repeats = read_repeats(disk, 1);
  CHECK(repeats || repeats.error().code == Errc::corrupt);
}

// So that the fuzzer, which copies what is compared into its input, forges no checksum: what it
// forged would be another state that was written.
std::string scrambled(std::string_view bytes) {
  SeededRandom key(1);
  std::string out;
  for (const char c : bytes)
    out += static_cast<char>(static_cast<uint8_t>(c) ^ static_cast<uint8_t>(key.next()));
  return out;
}

// Bytes that stand over a part of a state take nothing away unsaid: it is what was written, or it
// is refused.
void check_damaged_state(std::string_view bytes) {
  static const std::string kWhole = written(some_state());
  constexpr size_t kPlaceBytes = 2;
  if (bytes.size() < kPlaceBytes) return;
  const size_t at =
      (static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1])) % kWhole.size();
  const std::string over = scrambled(bytes.substr(kPlaceBytes));
  std::string damaged = kWhole;
  std::copy_n(over.begin(), std::min(over.size(), damaged.size() - at),
              damaged.begin() + static_cast<std::ptrdiff_t>(at));
  FakeDisk disk;
  disk.put(kStateName, damaged);
  const auto read = read_state(disk);
  CHECK(read ? written(*read) == kWhole : read.error().code == Errc::corrupt);
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  check_files(std::string(bytes));
  check_files(copy_of(bytes));
  check_damaged_state(bytes);
  return 0;
}
