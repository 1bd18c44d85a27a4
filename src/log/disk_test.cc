#include "log/disk.h"

#include <gmock/gmock.h>

#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::HasSubstr;

class DiskTest : public testing::Test {
 protected:
  void SetUp() override {
    disk.put("file", "0123456789");
    auto opened = disk.open("file", OpenMode::read);
    ASSERT_TRUE(opened);
    file = std::move(*opened);
  }

  FakeDisk disk;
  std::unique_ptr<File> file;
};

TEST_F(DiskTest, ExactlyWhatWasAskedForIsRead) {
  EXPECT_EQ(*read_exactly(*file, 0, 10), "0123456789");
  EXPECT_EQ(*read_exactly(*file, 3, 4), "3456");
  EXPECT_EQ(*read_exactly(*file, 9, 1), "9");
  EXPECT_EQ(*read_exactly(*file, 10, 0), "");
}

TEST_F(DiskTest, AFileThatEndsTooEarlyIsDamagedAndNeverPaddedWithZeros) {
  for (const uint64_t offset : {0U, 5U, 10U, 1'000U}) {
    const auto read = read_exactly(*file, offset, 11);
    ASSERT_FALSE(read) << offset;
    EXPECT_EQ(read.error().code, Errc::corrupt) << offset;
  }
  EXPECT_THAT(read_exactly(*file, 5, 11).error().detail, HasSubstr("byte 10"));
}

TEST_F(DiskTest, AWholeFileIsReadUpToItsBound) {
  EXPECT_EQ(*read_whole(*file, 10), "0123456789");
  EXPECT_EQ(*read_whole(*file, 1'000'000), "0123456789");

  const auto read = read_whole(*file, 9);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::too_large);
}

TEST_F(DiskTest, AnEmptyFileIsReadAsNothing) {
  disk.put("empty", "");
  const auto empty = disk.open("empty", OpenMode::read);
  ASSERT_TRUE(empty);

  EXPECT_EQ(*read_whole(**empty, 10), "");
}

TEST_F(DiskTest, ADiskThatCannotReadIsNotCalledDamaged) {
  disk.refuse(DiskCall::read, Errc::io);
  EXPECT_EQ(read_exactly(*file, 0, 1).error().code, Errc::io);
  EXPECT_EQ(read_whole(*file, 10).error().code, Errc::io);
  disk.accept(DiskCall::read);
  disk.refuse(DiskCall::size, Errc::io);

  EXPECT_EQ(read_whole(*file, 10).error().code, Errc::io);
}

}  // namespace
}  // namespace carillon
