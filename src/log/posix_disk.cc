#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "log/disk.h"

namespace carillon {

namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr const char* kLockName = "LOCK";

std::unexpected<Error> os_error(std::string_view what, std::string_view name) {
  const int error = errno;
  const Errc code = error == ENOSPC || error == EDQUOT ? Errc::full
                    : error == ENOENT                  ? Errc::not_found
                                                       : Errc::io;
  return fail(code, "cannot {} {}: {}", what, name, std::strerror(error));
}

class PosixFile : public File {
 public:
  PosixFile(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t wrote =
          ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return os_error("write", name_);
      bytes.remove_prefix(static_cast<size_t>(wrote));
      offset += static_cast<uint64_t>(wrote);
    }
    return {};
  }

  Result<size_t> read_at(uint64_t offset, char* into, size_t count) const override {
    size_t got = 0;
    while (got < count) {
      const ssize_t n =
          ::pread(descriptor_, into + got, count - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_error("read", name_);
      if (n == 0) break;
      got += static_cast<size_t>(n);
    }
    return got;
  }

  Result<> sync() override {
    if (::fdatasync(descriptor_) != 0) return os_error("sync", name_);
    return {};
  }

  Result<> punch(uint64_t offset, uint64_t length) override {
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(descriptor_, mode, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0)
      return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
      return fail(Errc::unavailable, "{}: this file system cannot punch holes", name_);
    }
    return os_error("punch a hole in", name_);
  }

  Result<uint64_t> size() const override {
    TRY(const struct stat status, status_now());
    return static_cast<uint64_t>(status.st_size);
  }

  Result<uint64_t> allocated() const override {
    TRY(const struct stat status, status_now());
    return static_cast<uint64_t>(status.st_blocks) *
           512;  // st_blocks counts 512-byte units (stat(3type))
  }

  void will_need(uint64_t offset, uint64_t length) const override {
    ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(length),
                    POSIX_FADV_WILLNEED);
  }

 private:
  Result<struct stat> status_now() const {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) return os_error("look at", name_);
    return status;
  }

  std::string name_;
  int descriptor_;
};

Result<int> take_lock(int directory, const std::string& path) {
  const int lock =
      ::openat(directory, kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode);
  if (lock < 0) return os_error("open", path + "/" + kLockName);
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  ::close(lock);
  return fail(Errc::busy,
              "the data directory {} is in use by another process: stop that one first, or give "
              "this one its own "
              "directory with --data",
              path);
}

Result<int> share_lock(int directory, const std::string& path) {
  const int lock = ::openat(directory, kLockName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) return errno == ENOENT ? Result<int>(-1) : os_error("open", path + "/" + kLockName);
  if (::flock(lock, LOCK_SH | LOCK_NB) == 0) return lock;
  ::close(lock);
  return fail(Errc::busy, "{} is in use by another process: stop that one first", path);
}

// Makes a directory and those above it, each with its name on the disk: without that a loss of
// power could take a log and all that was acknowledged in it.
Result<> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::exists(path, error)) return {};
  TRY(make_directory(path.parent_path()));
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return os_error("make the directory", path.native());
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int above = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (above < 0) return os_error("open the directory", parent.native());
  const int synced = ::fsync(above);
  ::close(above);
  return synced == 0 ? Result<>() : os_error("sync the directory", parent.native());
}

}  // namespace

Result<std::unique_ptr<PosixDisk>> PosixDisk::open_directory(const std::string& path, Lock lock) {
  if (lock == Lock::exclusive) TRY(make_directory(path));
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return os_error("open the directory", path);
  int descriptor = -1;
  if (lock != Lock::none) {
    auto taken = lock == Lock::exclusive ? take_lock(directory, path) : share_lock(directory, path);
    if (!taken) {
      ::close(directory);
      return std::unexpected(std::move(taken).error());
    }
    descriptor = *taken;
  }
  std::unique_ptr<PosixDisk> made;
  // tidy: allow new: private constructor
  made.reset(new PosixDisk(path, directory, descriptor));
  return made;
}

Result<std::unique_ptr<PosixDisk>> PosixDisk::make_vacant(const std::string& path) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().filename() == kLockName) continue;
    return fail(Errc::conflict, "{} is not empty; name an empty or absent directory", path);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::bad_input, "cannot look into {}: {}", path, error.message());
  return open_directory(path, Lock::exclusive);
}

PosixDisk::~PosixDisk() {
  if (lock_ >= 0) ::close(lock_);
  ::close(directory_);
}

Result<std::unique_ptr<File>> PosixDisk::open(const std::string& name, OpenMode mode) {
  int flags = O_CLOEXEC | O_NOFOLLOW;
  switch (mode) {
    case OpenMode::read: flags |= O_RDONLY; break;
    case OpenMode::write: flags |= O_RDWR; break;
    case OpenMode::create: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
  }
  const int descriptor = ::openat(directory_, name.c_str(), flags, kFileMode);
  if (descriptor < 0) return os_error("open", path_ + "/" + name);
  return std::make_unique<PosixFile>(path_ + "/" + name, descriptor);
}

Result<> PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::renameat(directory_, from.c_str(), directory_, to.c_str()) != 0)
    return os_error("rename", path_ + "/" + from);
  return {};
}

Result<> PosixDisk::remove(const std::string& name) {
  if (::unlinkat(directory_, name.c_str(), 0) != 0) return os_error("remove", path_ + "/" + name);
  return {};
}

Result<std::vector<std::string>> PosixDisk::list() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    const auto name = entry.path().filename().string();
    std::error_code gone;  // meanwhile
    if (name != kLockName &&
        entry.symlink_status(gone).type() == std::filesystem::file_type::regular)
      names.push_back(name);
  }
  if (error) return fail(Errc::io, "cannot list {}: {}", path_, error.message());
  return names;
}

Result<> PosixDisk::sync_directory() {
  if (::fsync(directory_) != 0) return os_error("sync the directory", path_);
  return {};
}

Result<uint64_t> PosixDisk::free_bytes() const {
  struct statvfs status{};
  if (::fstatvfs(directory_, &status) != 0) return os_error("look at", path_);
  return uint64_t{status.f_bavail} * status.f_frsize;
}

Result<uint64_t> PosixDisk::total_bytes() const {
  struct statvfs status{};
  if (::fstatvfs(directory_, &status) != 0) return os_error("look at", path_);
  return uint64_t{status.f_blocks} * status.f_frsize;
}

}  // namespace carillon
