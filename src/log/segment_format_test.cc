#include "log/segment_format.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace carillon {
namespace {

SegmentFooter footer_of_two() {
  return {.id = 4,
          .journal_first = 8,
          .journal_last = 9,
          .first = Position{100},
          .last = Position{900},
          .stored_first = WallTime(std::chrono::seconds(5)),
          .stored_last = WallTime(std::chrono::seconds(6)),
          .order_offset = 4096,
          .order_entries = 3,
          .runs = {{.topic = TopicId{1},
                    .events = 2,
                    .offset = 64,
                    .bytes = 200,
                    .first = Position{100},
                    .last = Position{900},
                    .stored_first = WallTime(std::chrono::seconds(5)),
                    .stored_last = WallTime(std::chrono::seconds(6)),
                    .sparse = {{Position{100}, 0}}},
                   {.topic = TopicId{6},
                    .events = 1,
                    .offset = 264,
                    .bytes = 48,
                    .first = Position{500},
                    .last = Position{500},
                    .sparse = {{Position{500}, 0}}}},
          .order_starts = {Position{100}},
          .names = {{TopicId{1}, "a"}, {TopicId{6}, "b.c"}}};
}

std::vector<OrderEntry> some_entries() {
  return {{.position = Position{1000}, .offset = 64, .bytes = 48, .topic = TopicId{3}},
          {.position = Position{1000ULL + (1ULL << 40)}, .offset = 112, .bytes = 56, .topic = {}},
          {.position = Position{2000ULL + (1ULL << 60)},
           .offset = 8ULL << 30,
           .bytes = 8,
           .topic = {}}};
}

TEST(SegmentFormat, AFooterIsReadAsItWasWritten) {
  const auto written = footer_of_two();

  const auto read = decode_segment_footer(encode_segment_footer(written));

  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 4U);
  EXPECT_EQ(read->journal_first, 8U);
  EXPECT_EQ(read->journal_last, 9U);
  EXPECT_EQ(read->first, Position{100});
  EXPECT_EQ(read->last, Position{900});
  EXPECT_EQ(read->stored_first, written.stored_first);
  EXPECT_EQ(read->stored_last, written.stored_last);
  EXPECT_EQ(read->order_offset, 4096U);
  EXPECT_EQ(read->order_entries, 3U);
  ASSERT_EQ(read->runs.size(), 2U);
  EXPECT_EQ(read->runs[0].stored_first, written.stored_first);
  EXPECT_EQ(read->runs[0].stored_last, written.stored_last);
  EXPECT_EQ(read->runs[1].topic, TopicId{6});
  EXPECT_EQ(read->runs[1].offset, 264U);
  EXPECT_EQ(read->runs[1].bytes, 48U);
  EXPECT_EQ(read->runs[1].sparse, written.runs[1].sparse);
  EXPECT_EQ(read->order_starts, written.order_starts);
  EXPECT_EQ(read->names, written.names);
}

TEST(SegmentFormat, AHeaderKnowsItsSegment) {
  EXPECT_EQ(encode_segment_header(3).size(), kSegmentHeaderBytes);
  EXPECT_TRUE(segment_header_intact(encode_segment_header(3), 3));
  EXPECT_FALSE(segment_header_intact(encode_segment_header(3), 4));
  EXPECT_FALSE(segment_header_intact("", 3));
}

TEST(SegmentFormat, ATrailerSaysWhereTheFooterIs) {
  const auto trailer = encode_segment_trailer({.offset = 12345, .bytes = 678});

  uint32_t version = 0;
  const auto place = decode_segment_trailer(trailer, version);
  EXPECT_EQ(version, kSegmentVersion);

  ASSERT_TRUE(place);
  EXPECT_EQ(trailer.size(), kSegmentTrailerBytes);
  EXPECT_EQ(place->offset, 12345U);
  EXPECT_EQ(place->bytes, 678U);
  EXPECT_FALSE(decode_segment_trailer(trailer.substr(1), version));
}

TEST(SegmentFormat, AnOrderBlockKeepsPositionsUpToFourBillionApart) {
  const auto entries = some_entries();

  const auto read = decode_order_block(encode_order_block(entries, 0, 2));
  const auto second = decode_order_block(encode_order_block(entries, 2, 1));

  ASSERT_TRUE(read && second);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].topic, TopicId{3});
  EXPECT_EQ((*read)[1].position, entries[1].position);
  EXPECT_EQ((*read)[1].offset, 112U);
  EXPECT_EQ((*read)[1].bytes, 56U);
  EXPECT_EQ(second->front().offset, 8ULL << 30);
}

RC_GTEST_PROP(SegmentFormat, AnyFlippedBitOfAnyPartIsNoticed, ()) {
  const auto flip = [](std::string bytes) {
    const auto bit = *rc::gen::inRange<size_t>(0, bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    return bytes;
  };

  RC_ASSERT(!decode_segment_footer(flip(encode_segment_footer(footer_of_two()))));
  uint32_t version = 0;
  RC_ASSERT(
      !decode_segment_trailer(flip(encode_segment_trailer({.offset = 7, .bytes = 9})), version));
  RC_ASSERT(!decode_order_block(flip(encode_order_block(some_entries(), 0, 2))));
  RC_ASSERT(!segment_header_intact(flip(encode_segment_header(5)), 5));
}

RC_GTEST_PROP(SegmentFormat, ArbitraryBytesAreRefused, (const std::string& bytes)) {
  RC_PRE(bytes.size() > 4);

  RC_ASSERT(!decode_segment_footer(bytes));
  uint32_t version = 0;
  RC_ASSERT(!decode_segment_trailer(bytes, version));
}

}  // namespace
}  // namespace carillon
