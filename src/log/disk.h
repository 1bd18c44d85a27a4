// The file system as the log sees it: small, so that tests can tear, lie, fill up and crash at
// every step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carillon {

// One open file. Positioned calls may come from several threads at once; the file lives as long as
// its owner.
class File {
 public:
  virtual ~File() = default;

  // All bytes or an error (Errc::full when there is no space).
  virtual Result<> write_at(uint64_t offset, std::string_view bytes) = 0;
  // Fewer than `count` only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* into, size_t count) const = 0;
  // What was written is on disk, and what is needed to find it. An error is final: never call it
  // again.
  virtual Result<> sync() = 0;
  // Gives the blocks wholly inside back; they read as zeros. Errc::unavailable where the file
  // system cannot.
  virtual Result<> punch(uint64_t offset, uint64_t length) = 0;
  virtual Result<uint64_t> size() const = 0;
  // Bytes it takes on the disk, holes left out.
  virtual Result<uint64_t> allocated() const = 0;
  // A hint that these bytes are read soon.
  virtual void will_need(uint64_t offset, uint64_t length) const = 0;
};

enum class OpenMode { read, write, create };

// One directory. Names have no slashes. Thread-safe.
class Disk {
 public:
  virtual ~Disk() = default;

  // `create` makes the file or empties it; `write` opens an existing one for both.
  virtual Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> list() = 0;
  // Renames, creations and removals before it are on disk.
  virtual Result<> sync_directory() = 0;
  virtual Result<uint64_t> free_bytes() const = 0;
  // Size of the whole file system.
  virtual Result<uint64_t> total_bytes() const = 0;
};

// Reads exactly `count` bytes at `offset`, or fails with Errc::corrupt.
Result<std::string> read_exactly(const File& file, uint64_t offset, size_t count);
// Reads the whole file, at most `bytes_max`, into a buffer that may serve the next file too.
Result<> read_whole_into(std::string& bytes, const File& file, size_t bytes_max);
Result<std::string> read_whole(const File& file, size_t bytes_max);

// A directory of the real file system, made with mode 0700, files 0600, links never followed. Holds
// an exclusive lock on `LOCK` in it, so that a second process is refused by name.
class PosixDisk : public Disk {
 public:
  enum class Lock {
    exclusive,  // for a log that is written
    shared,     // nobody writes meanwhile; without a lock file nobody does
    none,
  };
  static Result<std::unique_ptr<PosixDisk>> open_directory(const std::string& path, Lock lock);
  // An absent or empty directory (a lock left behind is nothing), made and locked; Errc::conflict
  // when something lies in it, which is left as it is.
  static Result<std::unique_ptr<PosixDisk>> make_vacant(const std::string& path);
  ~PosixDisk() override;
  PosixDisk(const PosixDisk&) = delete;
  PosixDisk& operator=(const PosixDisk&) = delete;

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& name) override;
  Result<std::vector<std::string>> list() override;
  Result<> sync_directory() override;
  Result<uint64_t> free_bytes() const override;
  Result<uint64_t> total_bytes() const override;

 private:
  PosixDisk(std::string path, int directory, int lock)
      : path_(std::move(path)), directory_(directory), lock_(lock) {}

  std::string path_;
  int directory_;
  int lock_;  // -1 without a lock
};

}  // namespace carillon
