// A disk in memory that tears, lies, fills up and crashes when a test says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "log/disk.h"

namespace carillon {

// What a log asks of its disk.
enum class DiskCall { open, rename, remove, list, sync_directory, write, read, sync, punch, size };

// A handle on a disk that its open files share: moves, and outlives none of them. Thread-safe.
//
// It knows, for each sector of 512 bytes, what is synced and what is only written, and which of the
// directory's changes are synced, so that it can show what a loss of power may leave.
// (Not a shim of system calls: it could not tear, and a test would need a machine to crash.)
class FakeDisk : public Disk {
 public:
  static constexpr uint64_t kSectorBytes = 512;
  static constexpr uint64_t kPageBytes = 4096;

  FakeDisk();
  ~FakeDisk() override;
  FakeDisk(FakeDisk&&) noexcept;
  FakeDisk& operator=(FakeDisk&&) noexcept;

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& name) override;
  Result<std::vector<std::string>> list() override;
  Result<> sync_directory() override;
  Result<uint64_t> free_bytes() const override;
  Result<uint64_t> total_bytes() const override;

  // What was asked of it so far.
  struct Asked {
    DiskCall call;
    std::string name;  // of the file, as it was opened
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  std::vector<Asked> asked() const;
  uint64_t count() const;
  uint64_t count(DiskCall call) const;
  // Counts from nothing again.
  void forget_calls();
  // Calls `look` before each call is done, for pictures of the disk at that moment; empty ends it.
  // Its own calls are not looked at.
  void look_at_calls(std::function<void(DiskCall)> look);

  // The `number`-th call from now fails, 1 being the next. Half of a failed write is done.
  void fail_call(uint64_t number, Errc code);
  // Every such call fails until accept().
  void refuse(DiskCall call, Errc code);
  void accept(DiskCall call);
  // From now on `bytes` in all fit.
  void set_capacity(uint64_t bytes);
  // Syncs say they are done and do nothing.
  void lie_about_sync(bool lying);

  // What a loss of power now may leave: all that is synced, any part of the rest.
  enum class Directory {
    ordered,  // changes reach the disk in their order, as journaling file systems promise
    any,      // in any order, as POSIX allows
  };
  FakeDisk crash(Random& random, Directory directory = Directory::ordered) const;
  // What it leaves when nothing unsynced survives.
  FakeDisk crash_hard() const;
  // The same disk, as if all were synced; both go on by themselves.
  FakeDisk copy() const;
  bool has_unsynced() const;

  // Damage: written and synced.
  void tear_last_write(uint64_t bytes_kept);
  void flip_bit(const std::string& name, uint64_t offset, unsigned bit);
  void truncate(const std::string& name, uint64_t bytes);
  void zero_page(const std::string& name, uint64_t offset);
  void put(const std::string& name, std::string bytes);
  void take_away(const std::string& name);

  std::string content(const std::string& name) const;
  std::vector<std::string> names() const;
  bool has(const std::string& name) const;
  uint64_t used_bytes() const;
  // Equal for equal names and contents.
  uint64_t fingerprint() const;

  struct Core;

 private:
  explicit FakeDisk(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
};

}  // namespace carillon
