// Everything the log knows besides its events, written at each seal: the seal's commit point.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "log/disk.h"
#include "log/log.h"
#include "log/repeat_window.h"

namespace carillon {

// What this release reads and writes. A log of a later one is refused before anything is touched.
inline constexpr uint32_t kLogFormat = 1;

struct StoredTopic {
  TopicId id;
  std::string name;
  bool listed = false;
  Position mark;
  MarkReason mark_reason = MarkReason::expired;
  Position last;
};

// A segment that lives, so that one which is gone is missed.
struct StoredSegment {
  uint64_t id = 0;
  Position first;
  Position last;
  friend bool operator==(const StoredSegment&, const StoredSegment&) = default;
};

// What is true behind the journals up to `sealed_until`: they are replaced by segments and may be
// recycled.
struct StoredState {
  uint64_t number = 0;        // +1 each seal
  uint64_t sealed_until = 0;  // journal id
  uint64_t sequence = 0;      // of the last sealed frame
  Position last;
  WallTime stored_at{};
  Position reserved;
  std::vector<StoredSegment> segments;
  std::vector<StoredTopic> topics;
  std::vector<std::pair<std::string, std::string>> checkpoints;
  std::vector<Damage> damages;
};

// A state file holds the same bytes twice, each with a checksum: one damaged place does not take
// the marks away.
Result<> write_state(Disk& disk, const StoredState& state);
// The newest state; an empty one in a log that has not sealed yet. Errc::corrupt when it cannot be
// read.
Result<StoredState> read_state(Disk& disk);
// Removes the state files older than `number`.
Result<> remove_old_states(Disk& disk, uint64_t number);
// Those of a higher number: of seals that did not end. Their going is synced.
Result<> remove_younger_states(Disk& disk, uint64_t number);
bool is_state_name(std::string_view name);

// The publishes remembered by one sealed stretch of journals. Its own file, because the window may
// hold two million entries, too many to be written anew at each seal.
Result<> write_repeats(Disk& disk, uint64_t number, const std::vector<Repeat>& repeats);
std::string repeats_name(uint64_t number);
uint64_t repeats_number(std::string_view name);  // 0 when it is not one
// Both copies of every state, identity or repeats file can be read: what `carillon log verify`
// asks.
Result<> check_copies(Disk& disk, const std::string& name);
Result<std::vector<Repeat>> read_repeats(Disk& disk, uint64_t number);

// The log's epoch and the version of the format of all its files.
struct Identity {
  Epoch epoch;
  uint32_t format = kLogFormat;
};
Result<> write_identity(Disk& disk, Identity identity);
// Errc::not_found in a directory without a log, Errc::conflict in one of a later format.
Result<Identity> read_identity(Disk& disk);

}  // namespace carillon
