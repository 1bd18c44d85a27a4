// PosixDisk on the real file system. (Its header is disk.h.)
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/limits.h"
#include "log/disk.h"
#include "testing/temporary_directory.h"

namespace carillon {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr fs::perms kOwnersFile = fs::perms::owner_read | fs::perms::owner_write;

fs::perms mode_of(const std::string& path) {
  return fs::status(path).permissions() & fs::perms::mask;
}

// Behind the disk's back.
std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class PosixDiskTest : public testing::Test {
 protected:
  using Lock = PosixDisk::Lock;

  void SetUp() override {
    auto opened = PosixDisk::open_directory(path, Lock::exclusive);
    ASSERT_TRUE(opened) << opened.error().detail;
    disk = std::move(*opened);
  }
  // A file of the disk with these bytes.
  std::unique_ptr<File> make(const std::string& name, std::string_view bytes) {
    auto file = disk->open(name, OpenMode::create);
    EXPECT_TRUE(file) << name;
    if (!file) return nullptr;
    EXPECT_TRUE((*file)->write_at(0, bytes));
    return std::move(*file);
  }

  TemporaryDirectory directory;
  std::string path = directory.of("log");
  std::unique_ptr<PosixDisk> disk;
};

// --- the directory

TEST_F(PosixDiskTest, NestedDirectoriesAreMadeForTheirOwnerAlone) {
  const auto nested = PosixDisk::open_directory(directory.of("a/b/c"), Lock::exclusive);

  ASSERT_TRUE(nested) << nested.error().detail;
  for (const char* made : {"a", "a/b", "a/b/c"})
    EXPECT_EQ(mode_of(directory.of(made)), fs::perms::owner_all) << made;
}

TEST_F(PosixDiskTest, WhoOnlyLooksMakesNoDirectory) {
  const auto opened = PosixDisk::open_directory(directory.of("absent"), Lock::none);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found);
  EXPECT_THAT(opened.error().detail, HasSubstr(directory.of("absent")));
  EXPECT_FALSE(fs::exists(directory.of("absent")));
}

TEST_F(PosixDiskTest, AFileIsNoDirectory) {
  write_file(directory.of("file"), "x");

  for (const char* name : {"file", "file/below"}) {
    const auto opened = PosixDisk::open_directory(directory.of(name), Lock::exclusive);
    ASSERT_FALSE(opened) << name;
    EXPECT_THAT(opened.error().detail, HasSubstr(directory.of("file"))) << name;
  }
  EXPECT_EQ(content_of(directory.of("file")), "x");
}

TEST_F(PosixDiskTest, ASecondOpenerIsRefusedByName) {
  const auto second = PosixDisk::open_directory(path, Lock::exclusive);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_THAT(second.error().detail, HasSubstr(path));
}

TEST_F(PosixDiskTest, WhenTheFirstIsGoneTheNextMayOpenIt) {
  disk.reset();

  const auto next = PosixDisk::open_directory(path, Lock::exclusive);

  EXPECT_TRUE(next) << next.error().detail;
}

TEST_F(PosixDiskTest, WhoTakesNoLockNeitherWaitsNorHindersAnybody) {
  EXPECT_TRUE(PosixDisk::open_directory(path, Lock::none));
  disk.reset();
  const auto looking = PosixDisk::open_directory(path, Lock::none);
  ASSERT_TRUE(looking);

  EXPECT_TRUE(PosixDisk::open_directory(path, Lock::exclusive));
}

TEST_F(PosixDiskTest, AVacantDirectoryIsAbsentEmptyOrHoldsALockLeftBehind) {
  fs::create_directory(directory.of("empty"));
  disk.reset();

  EXPECT_TRUE(PosixDisk::make_vacant(directory.of("absent/nested")));
  EXPECT_TRUE(PosixDisk::make_vacant(directory.of("empty")));
  EXPECT_TRUE(PosixDisk::make_vacant(path));
}

TEST_F(PosixDiskTest, ADirectoryInWhichSomethingLiesIsNotVacantAndStaysAsItIs) {
  fs::create_directory(directory.of("used"));
  write_file(directory.of("used/notes.txt"), "mine");

  const auto refused = PosixDisk::make_vacant(directory.of("used"));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_THAT(refused.error().detail, HasSubstr(directory.of("used")));
  EXPECT_EQ(content_of(directory.of("used/notes.txt")), "mine");
  EXPECT_FALSE(fs::exists(directory.of("used/LOCK")));
}

// --- links

TEST_F(PosixDiskTest, ALinkInAFilesPlaceIsNeverFollowed) {
  write_file(directory.of("secret"), "keep");
  fs::create_symlink(directory.of("secret"), path + "/journal");
  fs::create_symlink(directory.of("made-by-a-link"), path + "/dangling");

  for (const OpenMode mode : {OpenMode::read, OpenMode::write, OpenMode::create}) {
    EXPECT_FALSE(disk->open("journal", mode));
    EXPECT_FALSE(disk->open("dangling", mode));
  }

  EXPECT_EQ(content_of(directory.of("secret")), "keep");
  EXPECT_FALSE(fs::exists(directory.of("made-by-a-link")));
}

TEST_F(PosixDiskTest, ALinkInTheLocksPlaceIsNeverFollowed) {
  fs::create_directory(directory.of("other"));
  fs::create_symlink(directory.of("made-by-a-link"), directory.of("other/LOCK"));

  EXPECT_FALSE(PosixDisk::open_directory(directory.of("other"), Lock::exclusive));

  EXPECT_FALSE(fs::exists(directory.of("made-by-a-link")));
}

TEST_F(PosixDiskTest, RemovingALinkLeavesWhatItPointsTo) {
  write_file(directory.of("secret"), "keep");
  fs::create_symlink(directory.of("secret"), path + "/journal");

  EXPECT_TRUE(disk->remove("journal"));

  EXPECT_FALSE(fs::is_symlink(path + "/journal"));
  EXPECT_EQ(content_of(directory.of("secret")), "keep");
}

// --- the list

TEST_F(PosixDiskTest, TheListHoldsFilesAloneAndNotTheLock) {
  make("one", "1");
  make("two", "");
  fs::create_directory(path + "/folder");
  write_file(path + "/folder/inside", "x");

  const auto names = disk->list();

  ASSERT_TRUE(names);
  EXPECT_THAT(*names, UnorderedElementsAre("one", "two"));
}

TEST_F(PosixDiskTest, LinksAreNeitherListedNorInTheListsWay) {
  fs::create_directory(directory.of("other"));
  fs::create_symlink(directory.of("nowhere"), directory.of("other/journal-0000000001"));
  const auto other = PosixDisk::open_directory(directory.of("other"), Lock::none);
  ASSERT_TRUE(other);

  const auto names = (*other)->list();

  ASSERT_TRUE(names) << names.error().detail;
  EXPECT_THAT(*names, IsEmpty());
}

// --- files

TEST_F(PosixDiskTest, FilesAreTheirOwnersAlone) {
  make("journal", "bytes");

  EXPECT_EQ(mode_of(path), fs::perms::owner_all);
  EXPECT_EQ(mode_of(path + "/journal"), kOwnersFile);
  EXPECT_EQ(mode_of(path + "/LOCK"), kOwnersFile);
}

TEST_F(PosixDiskTest, BytesAreReadWhereTheyWereWritten) {
  const auto file = make("journal", "0123456789");
  ASSERT_TRUE(file->write_at(3, "abc"));
  ASSERT_TRUE(file->write_at(12, "zz"));
  ASSERT_TRUE(file->sync());

  const auto whole = read_whole(*file, 100);

  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole, std::string("012abc6789\0\0zz", 14)) << "what nobody wrote is zeros";
  EXPECT_EQ(*file->size(), 14U);
  EXPECT_EQ(*read_exactly(*file, 2, 4), "2abc");
  EXPECT_EQ(content_of(path + "/journal"), *whole);
}

TEST_F(PosixDiskTest, AReadGivesLessOnlyAtTheEndOfTheFile) {
  const auto file = make("journal", "0123456789");
  std::string into(10, '.');

  EXPECT_EQ(*file->read_at(7, into.data(), into.size()), 3U);
  EXPECT_EQ(into.substr(0, 4), "789.");
  EXPECT_EQ(*file->read_at(10, into.data(), into.size()), 0U);
  EXPECT_EQ(*file->read_at(1'000'000, into.data(), into.size()), 0U);
}

TEST_F(PosixDiskTest, CreatingAFileThatIsThereEmptiesItAndOpeningItDoesNot) {
  make("journal", "0123456789");

  const auto written = disk->open("journal", OpenMode::write);
  ASSERT_TRUE(written);
  EXPECT_EQ(*(*written)->size(), 10U);

  const auto created = disk->open("journal", OpenMode::create);
  ASSERT_TRUE(created);
  EXPECT_EQ(*(*created)->size(), 0U);
}

TEST_F(PosixDiskTest, WhatIsNotThereIsNotFoundByName) {
  for (const OpenMode mode : {OpenMode::read, OpenMode::write}) {
    const auto file = disk->open("absent", mode);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::not_found);
    EXPECT_THAT(file.error().detail, HasSubstr(path + "/absent"));
  }
  EXPECT_EQ(disk->remove("absent").error().code, Errc::not_found);
  EXPECT_EQ(disk->rename("absent", "other").error().code, Errc::not_found);
  EXPECT_THAT(*disk->list(), IsEmpty());
}

TEST_F(PosixDiskTest, ARenamedFileTakesThePlaceOfTheOther) {
  make("writing", "new");
  make("state", "old");

  EXPECT_TRUE(disk->rename("writing", "state"));
  EXPECT_TRUE(disk->sync_directory());

  EXPECT_THAT(*disk->list(), ElementsAre("state"));
  EXPECT_EQ(content_of(path + "/state"), "new");
}

TEST_F(PosixDiskTest, AnOpenFileOutlivesItsName) {
  const auto file = make("segment", "still here");

  ASSERT_TRUE(disk->remove("segment"));

  EXPECT_THAT(*disk->list(), IsEmpty());
  EXPECT_EQ(*read_whole(*file, 100), "still here");
}

TEST_F(PosixDiskTest, APunchedHoleReadsAsZerosAndTakesNoSpace) {
  const auto file = make("segment", std::string(kMiB, 'x'));
  ASSERT_TRUE(file->sync());
  const uint64_t before = *file->allocated();

  const auto punched = file->punch(kMiB / 4, kMiB / 2);
  if (!punched && punched.error().code == Errc::unavailable) GTEST_SKIP() << punched.error().detail;

  ASSERT_TRUE(punched) << punched.error().detail;
  EXPECT_EQ(*read_whole(*file, kMiB),
            std::string(kMiB / 4, 'x') + std::string(kMiB / 2, '\0') + std::string(kMiB / 4, 'x'));
  EXPECT_EQ(*file->size(), kMiB);
  EXPECT_LT(*file->allocated(), before);
}

TEST_F(PosixDiskTest, AFullDiskIsToldFromABrokenOne) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const auto devices = PosixDisk::open_directory("/dev", Lock::none);
  ASSERT_TRUE(devices);
  const auto full = (*devices)->open("full", OpenMode::write);
  ASSERT_TRUE(full) << full.error().detail;

  const auto written = (*full)->write_at(0, "bytes");

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::full);
}

TEST_F(PosixDiskTest, ThereIsNoMoreFreeSpaceThanSpace) {
  EXPECT_GT(*disk->total_bytes(), 0U);
  EXPECT_LE(*disk->free_bytes(), *disk->total_bytes());
}

}  // namespace
}  // namespace carillon
