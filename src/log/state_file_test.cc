#include "log/state_file.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "testing/fake_disk.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

StoredState some_state(uint64_t number) {
  return {.number = number,
          .sealed_until = 4,
          .sequence = 50,
          .last = Position{600},
          .stored_at = WallTime(std::chrono::seconds(7)),
          .reserved = Position{1 << 20},
          .topics = {{.id = TopicId{1},
                      .name = "a",
                      .listed = true,
                      .mark = Position{9},
                      .mark_reason = MarkReason::deleted,
                      .last = Position{500}},
                     {.id = TopicId{2}, .name = "b.c", .listed = false}},
          .checkpoints = {{"db", std::string("\0\xff", 2)}},
          .damages = {{"journal-0000000001", 4096, Position{3}, Position{5}}}};
}

Repeat some_repeat(uint8_t number) {
  Repeat repeat{.first = Position{number}, .last = Position{number}, .count = 1};
  repeat.key.bytes[0] = number;
  repeat.made_id = std::string(number, 'i');
  return repeat;
}

TEST(StateFile, WhatWasWrittenIsReadBack) {
  FakeDisk disk;
  ASSERT_TRUE(write_state(disk, some_state(3)));
  disk = disk.crash_hard();

  const auto read = read_state(disk);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 3U);
  EXPECT_EQ(read->sealed_until, 4U);
  EXPECT_EQ(read->sequence, 50U);
  EXPECT_EQ(read->last, Position{600});
  EXPECT_EQ(read->stored_at, WallTime(std::chrono::seconds(7)));
  EXPECT_EQ(read->reserved, Position{1 << 20});
  ASSERT_THAT(read->topics, SizeIs(2));
  EXPECT_EQ(read->topics[0].name, "a");
  EXPECT_TRUE(read->topics[0].listed);
  EXPECT_EQ(read->topics[0].mark, Position{9});
  EXPECT_EQ(read->topics[0].mark_reason, MarkReason::deleted);
  EXPECT_EQ(read->topics[0].last, Position{500});
  EXPECT_FALSE(read->topics[1].listed);
  EXPECT_EQ(read->checkpoints, some_state(3).checkpoints);
  ASSERT_THAT(read->damages, SizeIs(1));
  EXPECT_EQ(read->damages[0].file, "journal-0000000001");
  EXPECT_EQ(read->damages[0].last, Position{5});
}

TEST(StateFile, ANewDirectoryHasAnEmptyState) {
  FakeDisk disk;

  const auto read = read_state(disk);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 0U);
  EXPECT_THAT(read->topics, IsEmpty());
}

TEST(StateFile, TheNewestIsReadAndTheOldOnesAreRemoved) {
  FakeDisk disk;
  for (const uint64_t number : {9U, 10U, 2U}) ASSERT_TRUE(write_state(disk, some_state(number)));

  EXPECT_EQ(read_state(disk)->number, 10U);
  ASSERT_TRUE(remove_old_states(disk, 10));

  EXPECT_THAT(disk.names(), ElementsAre("state-0000000010"));
}

TEST(StateFile, OneDamagedPlaceTakesNothingAway) {
  FakeDisk disk;
  ASSERT_TRUE(write_state(disk, some_state(3)));
  const auto name = disk.names().front();
  const uint64_t bytes = disk.content(name).size();
  for (uint64_t byte = 0; byte < bytes; byte += byte < 200 ? 1 : 97) {
    FakeDisk own = disk.copy();
    own.flip_bit(name, byte, static_cast<unsigned>(byte % 8));

    const auto read = read_state(own);

    ASSERT_TRUE(read) << byte;
    EXPECT_EQ(read->topics[0].mark, Position{9}) << byte;
  }
  for (const uint64_t page : {uint64_t{0}, uint64_t{kFrameAlignment}}) {
    FakeDisk own = disk.copy();
    own.zero_page(name, page);
    EXPECT_TRUE(read_state(own)) << page;
  }
}

TEST(StateFile, WhenBothCopiesAreDamagedNoOlderStateIsTakenForIt) {
  FakeDisk disk;
  ASSERT_TRUE(write_state(disk, some_state(2)));
  ASSERT_TRUE(write_state(disk, some_state(3)));
  disk.flip_bit("state-0000000003", 20, 0);
  disk.flip_bit("state-0000000003", kFrameAlignment + 20, 0);

  const auto read = read_state(disk);

  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::corrupt);
  EXPECT_NE(read.error().detail.find("state-0000000003"), std::string::npos);
}

TEST(StateFile, AWriteThatFailsAnywhereLeavesTheOldStateWhole) {
  FakeDisk disk;
  ASSERT_TRUE(write_state(disk, some_state(2)));
  for (uint64_t number = 1; number < 20; ++number) {
    FakeDisk own = disk.copy();
    own.fail_call(number, Errc::full);
    const bool written = write_state(own, some_state(3)).has_value();
    FakeDisk after = own.crash_hard();

    const auto read = read_state(after);

    ASSERT_TRUE(read) << number;
    EXPECT_EQ(read->number, written ? 3U : 2U) << number;
    if (written) return;
  }
  FAIL() << "a state that makes twenty calls";
}

TEST(StateFile, RepeatsAreReadBackAndOneDamagedPlaceTakesNoneAway) {
  FakeDisk disk;
  std::vector<Repeat> repeats;
  for (uint8_t i = 1; i <= 200; ++i) repeats.push_back(some_repeat(i));
  ASSERT_TRUE(write_repeats(disk, 5, repeats));
  disk.flip_bit(repeats_name(5), 3000, 3);

  const auto read = read_repeats(disk, 5);

  ASSERT_TRUE(read);
  ASSERT_THAT(*read, SizeIs(200));
  EXPECT_EQ((*read)[7].key, repeats[7].key);
  EXPECT_EQ((*read)[199].made_id, repeats[199].made_id);
  EXPECT_EQ(repeats_number(repeats_name(5)), 5U);
  EXPECT_EQ(repeats_number("repeats-x"), 0U);
}

TEST(StateFile, TheIdentityIsReadBackAndAbsentInAnEmptyDirectory) {
  FakeDisk disk;
  EXPECT_EQ(read_identity(disk).error().code, Errc::not_found);
  ASSERT_TRUE(write_identity(disk, {.epoch = Epoch{0xfedcba9876543210}}));
  disk = disk.crash_hard();

  EXPECT_EQ(read_identity(disk)->epoch, Epoch{0xfedcba9876543210});
}

TEST(StateFile, NamesAreToldApart) {
  EXPECT_TRUE(is_state_name("state-0000000001"));
  for (const char* name : {"state-", "state-0000000000", "state-1x", "identity", "repeats-1"})
    EXPECT_FALSE(is_state_name(name)) << name;
}

}  // namespace
}  // namespace carillon
