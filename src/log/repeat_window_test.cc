#include "log/repeat_window.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "event/record.h"

namespace carillon {
namespace {

WallTime at(std::chrono::hours hours) { return WallTime(hours); }
Digest digest(std::string_view text) { return Digester().add(text).finish(); }

Repeat repeat(std::string_view key, std::chrono::hours stored) {
  return {.key = digest(key),
          .body = digest("body"),
          .first = Position{3},
          .last = Position{5},
          .count = 3,
          .stored_at = at(stored),
          .made_id = "made"};
}

TEST(RepeatWindow, WhatWasAddedIsFoundForADay) {
  RepeatWindow window;
  window.add(repeat("a", std::chrono::hours(100)));

  window.expire(at(std::chrono::hours(124)));
  ASSERT_NE(window.find(digest("a")), nullptr);
  EXPECT_EQ(window.find(digest("a"))->last, Position{5});
  EXPECT_EQ(window.find(digest("b")), nullptr);
  window.expire(at(std::chrono::hours(124)) + std::chrono::microseconds(1));

  EXPECT_EQ(window.find(digest("a")), nullptr);
  EXPECT_EQ(window.size(), 0U);
}

TEST(RepeatWindow, AKeyStoredAgainLaterLivesFromItsLaterStoring) {
  RepeatWindow window;
  window.add(repeat("a", std::chrono::hours(100)));
  window.add(repeat("a", std::chrono::hours(120)));

  window.expire(at(std::chrono::hours(130)));

  EXPECT_NE(window.find(digest("a")), nullptr);
  EXPECT_EQ(window.size(), 1U);
}

TEST(RepeatWindow, AKeyReplayedTwiceByARecoveryIsOneEntry) {
  RepeatWindow window;
  for (int i = 0; i < 2; ++i) window.add(repeat("a", std::chrono::hours(100)));

  EXPECT_EQ(window.size(), 1U);
}

TEST(RepeatWindow, TheOldestLeaveWhenThereAreTooMany) {
  RepeatWindow window;
  Repeat one = repeat("first", std::chrono::hours(1));
  window.add(one);
  for (uint64_t i = 0; i < kIdempotencyEntriesMax; ++i) {
    std::memcpy(one.key.bytes.data(), &i, sizeof i);
    one.made_id.clear();
    window.add(one);
  }

  EXPECT_EQ(window.size(), kIdempotencyEntriesMax);
  EXPECT_EQ(window.find(digest("first")), nullptr);
}

TEST(RepeatRecord, WhatIsWrittenIsReadBack) {
  const Repeat written = repeat("a", std::chrono::hours(100));
  std::string record;
  append_repeat_record(record, written);

  const auto read = parse_repeat_record(record);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, written.key);
  EXPECT_EQ(read->body, written.body);
  EXPECT_EQ(read->first, written.first);
  EXPECT_EQ(read->last, written.last);
  EXPECT_EQ(read->count, written.count);
  EXPECT_EQ(read->stored_at, written.stored_at);
  EXPECT_EQ(read->made_id, written.made_id);
}

TEST(RepeatRecord, AnotherKindAndAShortOneAreRefused) {
  std::string other;
  append_record(other, {.kind = RecordKind::mark}, {}, "x");
  std::string short_one;
  append_record(short_one, {.kind = RecordKind::repeat}, {}, "too short");

  EXPECT_FALSE(parse_repeat_record(other));
  EXPECT_FALSE(parse_repeat_record(short_one));
  EXPECT_FALSE(parse_repeat_record(""));
}

RC_GTEST_PROP(RepeatRecord, ArbitraryBytesAreReadOrRefused, (const std::string& data)) {
  std::string record;
  append_record(record, {.kind = RecordKind::repeat}, {}, data);

  const auto read = parse_repeat_record(record);

  RC_ASSERT((!read || read->made_id.size() <= data.size()));
}

}  // namespace
}  // namespace carillon
