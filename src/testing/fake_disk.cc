#include "testing/fake_disk.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/crc32c.h"

namespace carillon {

namespace {

using Bytes = std::shared_ptr<const std::string>;

// What is on a file's blocks, and what of it is synced. Guarded by its disk's mutex.
struct Inode {
  Bytes now = std::make_shared<std::string>();
  Bytes synced = now;
  std::set<uint64_t> dirty;  // sectors that differ from `synced`
  std::vector<bool> pages;   // allocated

  // For changing; copies when an image or `synced` shares it.
  std::string& writable() {
    auto own = std::make_shared<std::string>(*now);
    std::string& bytes = *own;
    now = std::move(own);
    return bytes;
  }
  uint64_t allocated() const {
    return static_cast<uint64_t>(std::ranges::count(pages, true)) * FakeDisk::kPageBytes;
  }
  void touch(uint64_t offset, uint64_t bytes) {
    const uint64_t last = (offset + bytes + FakeDisk::kSectorBytes - 1) / FakeDisk::kSectorBytes;
    for (uint64_t sector = offset / FakeDisk::kSectorBytes; sector < last; ++sector)
      dirty.insert(sector);
  }
  void settle() {
    synced = now;
    dirty.clear();
  }
  bool unsynced() const { return now != synced; }
};

using InodePtr = std::shared_ptr<Inode>;
using Names = std::map<std::string, InodePtr>;

struct DirectoryChange {
  enum class Kind { create, rename, remove } kind;
  std::string from;
  std::string to;  // of a rename
  InodePtr inode;  // of a creation
};

void apply_change(const DirectoryChange& change, Names& names) {
  switch (change.kind) {
    case DirectoryChange::Kind::create: names[change.from] = change.inode; return;
    case DirectoryChange::Kind::remove: names.erase(change.from); return;
    case DirectoryChange::Kind::rename: {
      const auto found = names.find(change.from);
      if (found == names.end()) return;
      const InodePtr inode = found->second;
      names.erase(found);
      names[change.to] = inode;
      return;
    }
  }
}

std::vector<bool> pages_of(uint64_t bytes) {
  std::vector<bool> pages;
  pages.assign((bytes + FakeDisk::kPageBytes - 1) / FakeDisk::kPageBytes, true);
  return pages;
}

// How much of what is unsynced a crash keeps.
enum class Kept { nothing, everything, front, some };

uint64_t size_after_crash(const Inode& inode, Kept kept, Random& random) {
  const uint64_t before = inode.synced->size();
  const uint64_t after = inode.now->size();
  switch (kept) {
    case Kept::nothing: return before;
    case Kept::everything: return after;
    case Kept::front:
    case Kept::some: break;
  }
  const uint64_t low = std::min(before, after);
  return low + random.below(std::max(before, after) - low + 1);
}

// One sector of an image: old, new, or, where it was being written, something else.
void lay_sector(std::string& image, const Inode& inode, uint64_t sector, bool fresh,
                Random& random) {
  const uint64_t at = sector * FakeDisk::kSectorBytes;
  const uint64_t end = std::min<uint64_t>(image.size(), at + FakeDisk::kSectorBytes);
  const std::string& source = fresh ? *inode.now : *inode.synced;
  for (uint64_t i = at; i < end; ++i) image[i] = i < source.size() ? source[i] : '\0';
  if (fresh && random.below(64) == 0) {
    for (uint64_t i = at; i < end; ++i) image[i] = static_cast<char>(random.next());
  }
}

Bytes after_crash(const Inode& inode, Random& random) {
  if (!inode.unsynced()) return inode.now;
  const auto kept = static_cast<Kept>(random.below(4));
  std::string image = *inode.now;
  image.resize(size_after_crash(inode, kept, random), '\0');
  const uint64_t front = random.below(inode.dirty.size() + 1);
  uint64_t number = 0;
  for (const uint64_t sector : inode.dirty) {
    const bool fresh = kept == Kept::everything || (kept == Kept::front && number < front) ||
                       (kept == Kept::some && random.below(2) == 0);
    ++number;
    if (sector * FakeDisk::kSectorBytes >= image.size()) break;
    lay_sector(image, inode, sector, fresh, random);
  }
  return std::make_shared<std::string>(std::move(image));
}

}  // namespace

struct FakeDisk::Core {
  mutable std::mutex mutex;
  Names names;
  Names synced_names;
  std::vector<DirectoryChange> changes;  // since the directory was synced
  std::vector<Asked> asked;
  uint64_t fail_at = 0;  // calls until then; 0: none
  Errc fail_code = Errc::io;
  std::map<DiskCall, Errc> refused;
  uint64_t capacity = 1ULL << 30;
  bool lying = false;
  std::function<void(DiskCall)> look;
  InodePtr torn_inode;  // of the last write
  uint64_t torn_offset = 0;
  uint64_t torn_bytes = 0;
  std::string torn_before;

  // Before a call, without the mutex: whoever looks takes it.
  void show(DiskCall call) {
    if (look) look(call);
  }

  // Takes note; an error when this call is to fail.
  std::optional<Error> ask(DiskCall call, const std::string& name, uint64_t offset = 0,
                           uint64_t bytes = 0) {
    asked.push_back({call, name, offset, bytes});
    if (fail_at > 0 && --fail_at == 0) return Error{fail_code, "the fake disk fails at " + name};
    if (const auto found = refused.find(call); found != refused.end())
      return Error{found->second, "the fake disk refuses " + name};
    return std::nullopt;
  }

  uint64_t used() const {
    uint64_t bytes = 0;
    for (const auto& [name, inode] : names) bytes += inode->allocated();
    return bytes;
  }

  void change(DirectoryChange change) {
    apply_change(change, names);
    changes.push_back(std::move(change));
  }

  // Half of `bytes` when the write is to fail half-way.
  Result<> write(const InodePtr& inode, uint64_t offset, std::string_view bytes) {
    const uint64_t end = offset + bytes.size();
    const uint64_t page_end = (end + kPageBytes - 1) / kPageBytes;
    auto pages = inode->pages;
    if (pages.size() < page_end) pages.resize(page_end, false);
    uint64_t fresh = 0;
    for (uint64_t page = offset / kPageBytes; page < page_end; ++page) {
      fresh += pages[page] ? 0 : kPageBytes;
      pages[page] = true;
    }
    if (fresh > 0 && used() + fresh > capacity)
      return fail(Errc::full, "the fake disk has no space left");
    inode->pages = std::move(pages);
    std::string& content = inode->writable();
    torn_inode = inode;
    torn_offset = offset;
    torn_bytes = bytes.size();
    torn_before = offset < content.size() ? content.substr(offset, bytes.size()) : std::string();
    if (content.size() < end) content.resize(end, '\0');
    std::memcpy(content.data() + offset, bytes.data(), bytes.size());
    inode->touch(offset, bytes.size());
    return {};
  }

  const InodePtr& find(const std::string& name) const {
    const auto found = names.find(name);
    CHECK(found != names.end());
    return found->second;
  }

  // Changes a file behind everybody's back.
  template <typename Change>
  void damage(const std::string& name, Change change) {
    const std::scoped_lock lock(mutex);
    const InodePtr inode = find(name);
    change(inode->writable());
    inode->pages = pages_of(inode->now->size());
    inode->settle();
  }
};

namespace {

class FakeFile : public File {
 public:
  FakeFile(std::shared_ptr<FakeDisk::Core> core, std::string name, InodePtr inode, OpenMode mode)
      : core_(std::move(core)), name_(std::move(name)), inode_(std::move(inode)), mode_(mode) {}

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    CHECK(mode_ != OpenMode::read);
    core_->show(DiskCall::write);
    const std::scoped_lock lock(core_->mutex);
    if (auto error = core_->ask(DiskCall::write, name_, offset, bytes.size())) {
      TRY(core_->write(inode_, offset, bytes.substr(0, bytes.size() / 2)));
      return std::unexpected(std::move(*error));
    }
    return core_->write(inode_, offset, bytes);
  }

  Result<size_t> read_at(uint64_t offset, char* into, size_t count) const override {
    core_->show(DiskCall::read);
    const std::scoped_lock lock(core_->mutex);
    if (auto error = core_->ask(DiskCall::read, name_, offset, count))
      return std::unexpected(std::move(*error));
    const std::string& content = *inode_->now;
    if (offset >= content.size()) return size_t{0};
    const size_t got = std::min<uint64_t>(count, content.size() - offset);
    std::memcpy(into, content.data() + offset, got);
    return got;
  }

  Result<> sync() override {
    core_->show(DiskCall::sync);
    const std::scoped_lock lock(core_->mutex);
    if (auto error = core_->ask(DiskCall::sync, name_)) return std::unexpected(std::move(*error));
    if (!core_->lying) inode_->settle();
    return {};
  }

  Result<> punch(uint64_t offset, uint64_t length) override {
    core_->show(DiskCall::punch);
    const std::scoped_lock lock(core_->mutex);
    if (auto error = core_->ask(DiskCall::punch, name_, offset, length))
      return std::unexpected(std::move(*error));
    std::string& content = inode_->writable();
    const uint64_t end = std::min<uint64_t>(content.size(), offset + length);
    for (uint64_t i = offset; i < end; ++i) content[i] = '\0';
    for (uint64_t at = offset; at + FakeDisk::kPageBytes <= offset + length;
         at += FakeDisk::kPageBytes) {
      const uint64_t page = at / FakeDisk::kPageBytes;
      if (page < inode_->pages.size()) inode_->pages[page] = false;
    }
    if (end > offset) inode_->touch(offset, end - offset);
    return {};
  }

  Result<uint64_t> size() const override {
    core_->show(DiskCall::size);
    const std::scoped_lock lock(core_->mutex);
    if (auto error = core_->ask(DiskCall::size, name_)) return std::unexpected(std::move(*error));
    return uint64_t{inode_->now->size()};
  }

  Result<uint64_t> allocated() const override {
    const std::scoped_lock lock(core_->mutex);
    return inode_->allocated();
  }

  void will_need(uint64_t, uint64_t) const override {}

 private:
  std::shared_ptr<FakeDisk::Core> core_;
  std::string name_;
  InodePtr inode_;
  OpenMode mode_;
};

// Copies of the files, so that the image and the disk go on by themselves.
template <typename Content>
Names images_of(const Names& names, Content content) {
  Names images;
  std::map<const Inode*, InodePtr> made;
  for (const auto& [name, inode] : names) {
    InodePtr& image = made[inode.get()];
    if (image == nullptr) {
      image = std::make_shared<Inode>();
      image->now = image->synced = content(*inode);
      image->pages = inode->pages;
      image->pages.resize(pages_of(image->now->size()).size(), true);
    }
    images[name] = image;
  }
  return images;
}

}  // namespace

FakeDisk::FakeDisk() : core_(std::make_shared<Core>()) {}
FakeDisk::FakeDisk(std::shared_ptr<Core> core) : core_(std::move(core)) {}
FakeDisk::~FakeDisk() = default;
FakeDisk::FakeDisk(FakeDisk&&) noexcept = default;
FakeDisk& FakeDisk::operator=(FakeDisk&&) noexcept = default;

Result<std::unique_ptr<File>> FakeDisk::open(const std::string& name, OpenMode mode) {
  core_->show(DiskCall::open);
  const std::scoped_lock lock(core_->mutex);
  if (auto error = core_->ask(DiskCall::open, name)) return std::unexpected(std::move(*error));
  const auto found = core_->names.find(name);
  InodePtr inode = found == core_->names.end() ? nullptr : found->second;
  if (inode == nullptr && mode != OpenMode::create)
    return fail(Errc::not_found, "cannot open {}: there is no such file", name);
  if (inode == nullptr) {
    inode = std::make_shared<Inode>();
    core_->change({DirectoryChange::Kind::create, name, {}, inode});
  } else if (mode == OpenMode::create) {
    inode->touch(0, inode->now->size());
    inode->now = std::make_shared<std::string>();
    inode->pages.clear();
  }
  return std::make_unique<FakeFile>(core_, name, std::move(inode), mode);
}

Result<> FakeDisk::rename(const std::string& from, const std::string& to) {
  core_->show(DiskCall::rename);
  const std::scoped_lock lock(core_->mutex);
  if (auto error = core_->ask(DiskCall::rename, from)) return std::unexpected(std::move(*error));
  if (!core_->names.contains(from)) return fail(Errc::not_found, "cannot rename {}", from);
  core_->change({DirectoryChange::Kind::rename, from, to, nullptr});
  return {};
}

Result<> FakeDisk::remove(const std::string& name) {
  core_->show(DiskCall::remove);
  const std::scoped_lock lock(core_->mutex);
  if (auto error = core_->ask(DiskCall::remove, name)) return std::unexpected(std::move(*error));
  if (!core_->names.contains(name)) return fail(Errc::not_found, "cannot remove {}", name);
  core_->change({DirectoryChange::Kind::remove, name, {}, nullptr});
  return {};
}

Result<std::vector<std::string>> FakeDisk::list() {
  core_->show(DiskCall::list);
  const std::scoped_lock lock(core_->mutex);
  if (auto error = core_->ask(DiskCall::list, ".")) return std::unexpected(std::move(*error));
  std::vector<std::string> all;
  for (const auto& [name, inode] : core_->names) all.push_back(name);
  return all;
}

Result<> FakeDisk::sync_directory() {
  core_->show(DiskCall::sync_directory);
  const std::scoped_lock lock(core_->mutex);
  if (auto error = core_->ask(DiskCall::sync_directory, "."))
    return std::unexpected(std::move(*error));
  if (core_->lying) return {};
  core_->synced_names = core_->names;
  core_->changes.clear();
  return {};
}

Result<uint64_t> FakeDisk::free_bytes() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->capacity - std::min(core_->capacity, core_->used());
}

Result<uint64_t> FakeDisk::total_bytes() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->capacity;
}

std::vector<FakeDisk::Asked> FakeDisk::asked() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->asked;
}

uint64_t FakeDisk::count() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->asked.size();
}

uint64_t FakeDisk::count(DiskCall call) const {
  const std::scoped_lock lock(core_->mutex);
  return static_cast<uint64_t>(std::ranges::count(core_->asked, call, &Asked::call));
}

void FakeDisk::forget_calls() {
  const std::scoped_lock lock(core_->mutex);
  core_->asked.clear();
}

void FakeDisk::look_at_calls(std::function<void(DiskCall)> look) { core_->look = std::move(look); }

void FakeDisk::fail_call(uint64_t number, Errc code) {
  const std::scoped_lock lock(core_->mutex);
  core_->fail_at = number;
  core_->fail_code = code;
}

void FakeDisk::refuse(DiskCall call, Errc code) {
  const std::scoped_lock lock(core_->mutex);
  core_->refused[call] = code;
}

void FakeDisk::accept(DiskCall call) {
  const std::scoped_lock lock(core_->mutex);
  core_->refused.erase(call);
}

void FakeDisk::set_capacity(uint64_t bytes) {
  const std::scoped_lock lock(core_->mutex);
  core_->capacity = bytes;
}

void FakeDisk::lie_about_sync(bool lying) {
  const std::scoped_lock lock(core_->mutex);
  core_->lying = lying;
}

FakeDisk FakeDisk::crash(Random& random, Directory directory) const {
  const std::scoped_lock lock(core_->mutex);
  Names names = core_->synced_names;
  const uint64_t front = random.below(core_->changes.size() + 1);
  for (uint64_t i = 0; i < core_->changes.size(); ++i) {
    const bool kept = directory == Directory::ordered ? i < front : random.below(2) == 0;
    if (kept) apply_change(core_->changes[i], names);
  }
  auto core = std::make_shared<Core>();
  core->capacity = core_->capacity;
  core->names = images_of(names, [&](const Inode& inode) { return after_crash(inode, random); });
  core->synced_names = core->names;
  return FakeDisk(std::move(core));
}

FakeDisk FakeDisk::crash_hard() const {
  const std::scoped_lock lock(core_->mutex);
  auto core = std::make_shared<Core>();
  core->capacity = core_->capacity;
  core->names = images_of(core_->synced_names, [](const Inode& inode) { return inode.synced; });
  core->synced_names = core->names;
  return FakeDisk(std::move(core));
}

FakeDisk FakeDisk::copy() const {
  const std::scoped_lock lock(core_->mutex);
  auto core = std::make_shared<Core>();
  core->capacity = core_->capacity;
  core->names = images_of(core_->names, [](const Inode& inode) { return inode.now; });
  core->synced_names = core->names;
  return FakeDisk(std::move(core));
}

bool FakeDisk::has_unsynced() const {
  const std::scoped_lock lock(core_->mutex);
  return !core_->changes.empty() || std::ranges::any_of(core_->names, [](const auto& entry) {
    return entry.second->unsynced();
  });
}

void FakeDisk::tear_last_write(uint64_t bytes_kept) {
  const std::scoped_lock lock(core_->mutex);
  CHECK(core_->torn_inode != nullptr && bytes_kept <= core_->torn_bytes);
  std::string& content = core_->torn_inode->writable();
  for (uint64_t i = bytes_kept; i < core_->torn_bytes; ++i) {
    const char before = i < core_->torn_before.size() ? core_->torn_before[i] : '\0';
    content[core_->torn_offset + i] = before;
  }
  core_->torn_inode->settle();
}

void FakeDisk::flip_bit(const std::string& name, uint64_t offset, unsigned bit) {
  core_->damage(name, [&](std::string& content) {
    CHECK(offset < content.size() && bit < 8);
    content[offset] = static_cast<char>(content[offset] ^ (1 << bit));
  });
}

void FakeDisk::truncate(const std::string& name, uint64_t bytes) {
  core_->damage(name, [&](std::string& content) { content.resize(bytes, '\0'); });
}

void FakeDisk::zero_page(const std::string& name, uint64_t offset) {
  core_->damage(name, [&](std::string& content) {
    for (uint64_t i = offset; i < std::min<uint64_t>(content.size(), offset + kPageBytes); ++i)
      content[i] = '\0';
  });
}

void FakeDisk::put(const std::string& name, std::string bytes) {
  const std::scoped_lock lock(core_->mutex);
  auto inode = std::make_shared<Inode>();
  inode->pages = pages_of(bytes.size());
  inode->now = std::make_shared<std::string>(std::move(bytes));
  inode->settle();
  core_->names[name] = inode;
  core_->synced_names[name] = inode;
}

void FakeDisk::take_away(const std::string& name) {
  const std::scoped_lock lock(core_->mutex);
  core_->names.erase(name);
  core_->synced_names.erase(name);
}

std::string FakeDisk::content(const std::string& name) const {
  const std::scoped_lock lock(core_->mutex);
  return *core_->find(name)->now;
}

std::vector<std::string> FakeDisk::names() const {
  const std::scoped_lock lock(core_->mutex);
  std::vector<std::string> all;
  for (const auto& [name, inode] : core_->names) all.push_back(name);
  return all;
}

bool FakeDisk::has(const std::string& name) const {
  const std::scoped_lock lock(core_->mutex);
  return core_->names.contains(name);
}

uint64_t FakeDisk::used_bytes() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->used();
}

uint64_t FakeDisk::fingerprint() const {
  const std::scoped_lock lock(core_->mutex);
  uint64_t print = 0;
  for (const auto& [name, inode] : core_->names) {
    const uint64_t one = uint64_t{crc32c(name)} << 32 | crc32c(*inode->now);
    print = (print ^ one) * 0x9e3779b97f4a7c15U + (print >> 29);
  }
  return print;
}

}  // namespace carillon
