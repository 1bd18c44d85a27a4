#include "log/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/limits.h"

namespace carillon {
namespace {

constexpr uint64_t kNonce = 0x1234'5678'9abc'def0;

std::string frame_of(std::string_view records, uint64_t nonce = kNonce) {
  std::string out;
  begin_frame(out);
  out += records;
  finish_frame(out,
               {.records = 3,
                .journal = 7,
                .sequence = 42,
                .last = Position{99},
                .stored_at = WallTime(std::chrono::microseconds(-5))},
               nonce);
  return out;
}

TEST(Frame, WhatWasWrittenIsReadAndPaddedToAPage) {
  const auto frame = frame_of("records");

  FrameHeader header;
  ASSERT_EQ(parse_frame_header(frame, header), FrameState::whole);

  EXPECT_EQ(frame.size(), kFrameAlignment);
  EXPECT_EQ(header.bytes, kFrameHeaderBytes + 7);
  EXPECT_EQ(header.records, 3U);
  EXPECT_EQ(header.journal, 7U);
  EXPECT_EQ(header.sequence, 42U);
  EXPECT_EQ(header.last, Position{99});
  EXPECT_EQ(header.stored_at, WallTime(std::chrono::microseconds(-5)));
  EXPECT_EQ(frame_stride(header), kFrameAlignment);
  EXPECT_TRUE(frame_intact(frame, header, kNonce));
}

TEST(Frame, AFrameThatFillsAPageExactlyTakesNoSecondOne) {
  EXPECT_EQ(frame_of(std::string(kFrameAlignment - kFrameHeaderBytes, 'x')).size(),
            kFrameAlignment);
  EXPECT_EQ(frame_of(std::string(kFrameAlignment - kFrameHeaderBytes + 1, 'x')).size(),
            2 * kFrameAlignment);
}

TEST(Frame, ZerosAreNoFrameAndAnythingElseIsADamagedOne) {
  FrameHeader header;

  EXPECT_EQ(parse_frame_header(std::string(kFrameAlignment, '\0'), header), FrameState::none);
  EXPECT_EQ(parse_frame_header("short", header), FrameState::none);
  EXPECT_EQ(parse_frame_header(std::string(kFrameAlignment, 'x'), header), FrameState::damaged);
}

TEST(Frame, AFrameOfAnotherJournalsNonceIsNotBelieved) {
  const auto frame = frame_of("records", kNonce + 1);
  FrameHeader header;
  ASSERT_EQ(parse_frame_header(frame, header), FrameState::whole);

  EXPECT_FALSE(frame_intact(frame, header, kNonce));
}

TEST(Frame, AFrameCutShortIsNotIntact) {
  const auto frame = frame_of(std::string(6000, 'r'));
  FrameHeader header;
  ASSERT_EQ(parse_frame_header(frame, header), FrameState::whole);

  EXPECT_FALSE(frame_intact(std::string_view(frame).substr(0, header.bytes - 1), header, kNonce));
  EXPECT_TRUE(frame_intact(std::string_view(frame).substr(0, header.bytes), header, kNonce));
}

RC_GTEST_PROP(Frame, AnyFlippedBitOfItIsNoticed, (const std::string& records)) {
  auto frame = frame_of(records);
  FrameHeader header;
  RC_ASSERT(parse_frame_header(frame, header) == FrameState::whole);
  const auto bit = *rc::gen::inRange<size_t>(0, header.bytes * size_t{8});
  frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << (bit % 8)));

  FrameHeader damaged;
  const bool believed = parse_frame_header(frame, damaged) == FrameState::whole &&
                        frame_intact(frame, damaged, kNonce);

  RC_ASSERT(!believed);
}

}  // namespace
}  // namespace carillon
