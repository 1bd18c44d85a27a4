// A journal: the file that all topics share while their events are young.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "log/disk.h"
#include "log/frame.h"
#include "log/pace.h"

namespace carillon {

// One journal file of fixed size: a header page, then frames on page boundaries in blocks that were
// written with zeros before, so that a commit changes no metadata and a sync is one flush.
//
// Owned by the log; written by the committer thread alone, read by any. A journal without a frame
// is a spare. (Not a growing file: each sync would commit file-system metadata, twice the time. Not
// fallocate: its extents are unwritten, and the first write to each costs the same metadata
// commit.)
class Journal {
 public:
  static std::string name_of(uint64_t id);
  // The id in a journal's file name; 0 when it is not one.
  static uint64_t id_of(std::string_view name);

  // Fills a new file of `bytes` with zeros and a header, under another name until it is whole.
  // Blocking. What a failure leaves is overwritten by the next one.
  static Result<std::unique_ptr<Journal>> fill(Disk& disk, uint64_t id, uint64_t bytes,
                                               uint64_t nonce, const Pace& pace);
  // Takes the file of a sealed journal and makes it the spare `id`: zeros, header, new name.
  static Result<std::unique_ptr<Journal>> recycle(Disk& disk, Journal& sealed, uint64_t id,
                                                  uint64_t nonce, const Pace& pace);
  // Reads the header, of which there are two copies; Errc::corrupt when neither can be trusted.
  static Result<std::unique_ptr<Journal>> open(Disk& disk, uint64_t id);

  uint64_t id() const { return id_; }
  uint64_t nonce() const { return nonce_; }
  uint64_t bytes() const { return bytes_; }
  // Where the next frame goes.
  uint64_t end() const { return end_; }
  const File& file() const { return *file_; }

  bool has_room_for(uint64_t frame_bytes) const { return end_ + frame_bytes <= bytes_; }
  // Writes a finished frame at end() and syncs. An error is final for the whole log.
  Result<> append(std::string_view frame);
  // Recovery: nothing more is written to this one.
  void close() { end_ = bytes_; }
  // Recovery found the last whole frame to end at `end`, and the next one follows it. All before is
  // synced: a process killed between write and sync has left it to the kernel.
  Result<> continue_at(uint64_t end);
  // What a tear left behind end() becomes zeros again.
  Result<> clear_rest();

 private:
  Journal(uint64_t id, uint64_t nonce, uint64_t bytes, std::unique_ptr<File> file);

  uint64_t id_;
  uint64_t nonce_;
  uint64_t bytes_;
  uint64_t end_;
  std::unique_ptr<File> file_;
};

// The highest position that a journal names whose header cannot be read: believed only as a bound,
// for its frames cannot be checked. 0 when there is none.
Result<Position> unchecked_last_position(Disk& disk, uint64_t id);

// What a scan of a journal met, in file order.
struct ScannedFrame {
  uint64_t offset = 0;
  FrameHeader header;
  bool intact = true;
};

struct JournalScan {
  std::vector<ScannedFrame> frames;  // intact ones
  struct Damage {
    uint64_t offset = 0;
    uint64_t end = 0;  // where the next intact frame begins
  };
  std::vector<Damage> damage;  // with an intact frame behind it
  uint64_t end = 0;            // behind the last intact frame
  bool torn = false;           // something that is no whole frame lies behind the last intact one
};

// Finds every intact frame. Reads the file once, in order, up to the first run of empty pages
// behind which nothing lies.
Result<JournalScan> scan_journal(const Journal& journal);
// The same of the whole file's bytes.
JournalScan scan_journal(const Journal& journal, std::string_view bytes);

}  // namespace carillon
