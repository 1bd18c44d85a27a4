#include "event/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/bytes.h"

namespace carillon {
namespace {

constexpr std::string_view kTopic = "orders.eu";
constexpr WallTime kStored{std::chrono::microseconds(1'769'851'800'000'000)};

std::string record_of(const Event& event) {
  std::string record;
  append_event_record(record, event, TopicId{7}, kTopic);
  return record;
}

Event full_event() {
  return {.id = "o-1",
          .source = "/shop",
          .type = "order.placed",
          .subject = "o/1",
          .data_content_type = "application/json",
          .data_schema = "https://example.com/schema",
          .time = kStored,
          .time_text = "2026-01-31T10:30:00+01:00",
          .key = "customer-9",
          .extensions = {{"traceparent", "00-1"}, {"a", ""}, {"n", "7", ExtensionKind::integer}},
          .data = R"({"n":1})",
          .form = DataForm::json};
}

std::vector<Extension> extensions_of(const EventView& view) {
  std::vector<Extension> extensions;
  view.for_each_extension([&](std::string_view name, std::string_view value, ExtensionKind kind) {
    extensions.push_back({std::string(name), std::string(value), kind});
  });
  return extensions;
}

// A record of any bytes, as strangers choose them.
Event any_event() {
  const auto text = rc::gen::scale(0.3, rc::gen::arbitrary<std::string>());
  Event event;
  event.id = *text;
  event.source = *text;
  event.type = *text;
  event.subject = *text;
  event.data_content_type = *text;
  event.data_schema = *text;
  event.key = *text;
  const auto count = *rc::gen::inRange<size_t>(0, 4);
  for (size_t i = 0; i < count; ++i) event.extensions.push_back({"x" + std::to_string(i), *text});
  event.data = *rc::gen::arbitrary<std::string>();
  event.form = *rc::gen::element(DataForm::binary, DataForm::text, DataForm::json);
  return event;
}

TEST(Record, EveryAttributeComesBackAsItWasGiven) {
  auto record = record_of(full_event());

  place_record(record.data(), Position{42}, kStored, TopicId{9});

  const EventView view(record.data(), kTopic);
  const auto attributes = view.attributes();
  EXPECT_EQ(view.position(), Position{42});
  EXPECT_EQ(view.stored_at(), kStored);
  EXPECT_EQ(view.topic_id(), TopicId{9});
  EXPECT_EQ(view.topic(), kTopic);
  EXPECT_EQ(attributes.id, "o-1");
  EXPECT_EQ(attributes.source, "/shop");
  EXPECT_EQ(attributes.type, "order.placed");
  EXPECT_EQ(attributes.subject, "o/1");
  EXPECT_EQ(attributes.data_content_type, "application/json");
  EXPECT_EQ(attributes.data_schema, "https://example.com/schema");
  EXPECT_EQ(attributes.time, "2026-01-31T10:30:00+01:00");
  EXPECT_EQ(attributes.key, "customer-9");
  EXPECT_EQ(extensions_of(view), full_event().extensions);
  EXPECT_EQ(view.data(), R"({"n":1})");
  EXPECT_EQ(view.form(), DataForm::json);
  EXPECT_EQ(view.record_bytes(), record.size());
}

TEST(Record, DefaultsTakeNoBytesAndComeBackAsDefaults) {
  Event event;
  event.source = default_source(kTopic);
  event.type = kDefaultType;
  const auto record = record_of(event);
  const EventView view(record.data(), kTopic);

  EXPECT_EQ(record.size(), kRecordHeaderBytes);
  EXPECT_EQ(view.attributes().source, "");
  EXPECT_EQ(view.attributes().type, kDefaultType);
  EXPECT_EQ(view.attributes().time, "");
  EXPECT_EQ(view.data(), "");
}

TEST(Record, TheSourceOfAnotherTopicIsKept) {
  Event event;
  event.source = default_source("orders.us");
  const auto record = record_of(event);

  EXPECT_EQ(EventView(record.data(), kTopic).attributes().source, "/t/orders.us");
}

TEST(Record, ATimeThatWasNotGivenAsTextIsWrittenAsOne) {
  Event event;
  event.time = kStored;
  const auto record = record_of(event);

  EXPECT_EQ(EventView(record.data(), kTopic).attributes().time, "2026-01-31T09:30:00Z");
}

TEST(Record, SaysWhetherItsDataHoldsALineBreak) {
  for (const std::string_view data : {"a\nb", "a\rb", "\n", "a\r"}) {
    const auto record = record_of({.data = std::string(data), .form = DataForm::text});
    EXPECT_TRUE(EventView(record.data(), kTopic).has_line_breaks());
    EXPECT_EQ(EventView(record.data(), kTopic).form(), DataForm::text);
  }
  const auto record = record_of({.data = "a b\t\x0b\x0c", .form = DataForm::text});
  EXPECT_FALSE(EventView(record.data(), kTopic).has_line_breaks());
}

TEST(Record, TheViewOfAnotherTopicIsOfTheSameBytes) {
  const auto record = record_of(full_event());
  const EventView view(record.data(), kTopic);

  const auto other = view.with_topic("b");

  EXPECT_EQ(other.topic(), "b");
  EXPECT_EQ(other.record(), view.record());
}

TEST(Record, IsPaddedWithZerosToEightBytes) {
  for (size_t bytes = 0; bytes <= 16; ++bytes) {
    const auto record = record_of({.data = std::string(bytes, 'x')});
    EXPECT_EQ(record.size() % kRecordAlignment, 0U);
    EXPECT_LT(record.size() - kRecordHeaderBytes - bytes, kRecordAlignment);
    EXPECT_EQ(record.find_last_not_of('\0', record.size()),
              bytes == 0 ? record.find_last_not_of('\0') : kRecordHeaderBytes + bytes - 1);
  }
}

TEST(Record, TheHeaderLiesWhereTheFormatSays) {
  std::string record;
  append_record(record,
                {.position = Position{0x0102030405060708},
                 .stored_at = WallTime(std::chrono::microseconds(0x1112131415161718)),
                 .topic = TopicId{0x21222324},
                 .kind = RecordKind::mark,
                 .flags = 0x31},
                "attr", "data!");

  EXPECT_EQ(load_little_endian<uint32_t>(record.data() + 4), 49U);
  EXPECT_EQ(load_little_endian<uint64_t>(record.data() + 8), 0x0102030405060708U);
  EXPECT_EQ(load_little_endian<uint64_t>(record.data() + 16), 0x1112131415161718U);
  EXPECT_EQ(load_little_endian<uint32_t>(record.data() + 24), 0x21222324U);
  EXPECT_EQ(load_little_endian<uint32_t>(record.data() + 28), 5U);
  EXPECT_EQ(load_little_endian<uint32_t>(record.data() + 32), 4U);
  EXPECT_EQ(record.substr(36, 4), std::string("\x03\x31\0\0", 4));
  EXPECT_EQ(record.substr(40), std::string("attrdata!\0\0\0\0\0\0\0", 16));
}

TEST(Record, TheKindsHaveTheNumbersOfTheFormat) {
  EXPECT_EQ(static_cast<int>(RecordKind::event), 1);
  EXPECT_EQ(static_cast<int>(RecordKind::topic), 2);
  EXPECT_EQ(static_cast<int>(RecordKind::mark), 3);
  EXPECT_EQ(static_cast<int>(RecordKind::deleted), 4);
  EXPECT_EQ(static_cast<int>(RecordKind::reservation), 5);
  EXPECT_EQ(static_cast<int>(RecordKind::checkpoint), 6);
  EXPECT_EQ(static_cast<int>(RecordKind::repeat), 7);
}

TEST(Record, RecordsFollowEachOtherInOneString) {
  auto records = record_of({.id = "first", .data = "1"});
  const size_t second_at = records.size();
  append_event_record(records, {.id = "second", .data = "22"}, TopicId{7}, kTopic);

  EXPECT_EQ(EventView(records.data(), kTopic).record_bytes(), second_at);
  EXPECT_EQ(EventView(records.data() + second_at, kTopic).attributes().id, "second");
}

TEST(Record, ARecordCutShortIsNoRecord) {
  const auto record = record_of(full_event());
  RecordHeader header;

  for (size_t kept = 0; kept < record.size(); ++kept) {
    ASSERT_FALSE(parse_record_header(std::string_view(record).substr(0, kept), header)) << kept;
  }
  EXPECT_TRUE(parse_record_header(record + "what follows", header));
}

TEST(Record, ZerosAreNoRecord) {
  RecordHeader header;

  EXPECT_FALSE(parse_record_header(std::string(4'096, '\0'), header));
}

TEST(Record, LengthsThatWrapAroundAreRefused) {
  auto record = record_of({.data = "x"});
  store_little_endian(record.data() + 4, uint32_t{39});
  store_little_endian(record.data() + 28, UINT32_MAX);
  RecordHeader header;

  EXPECT_FALSE(parse_record_header(record, header));
}

RC_GTEST_PROP(Record, AnyEventComesBack, (uint64_t position, uint32_t topic)) {
  const auto event = any_event();
  auto record = record_of(event);

  place_record(record.data(), Position{position}, kStored, TopicId{topic});

  RecordHeader header;
  RC_ASSERT(parse_record_header(record, header));
  RC_ASSERT(record_intact(record, header));
  RC_ASSERT((header.kind == RecordKind::event && header.position == Position{position}));
  RC_ASSERT((header.topic == TopicId{topic} && header.stored_at == kStored));
  const EventView view(record.data(), kTopic);
  const auto attributes = view.attributes();
  const bool own_source = event.source != default_source(kTopic);
  RC_ASSERT((attributes.id == event.id && attributes.subject == event.subject));
  RC_ASSERT(attributes.source == (own_source ? event.source : ""));
  RC_ASSERT(attributes.type == (event.type.empty() ? kDefaultType : event.type));
  RC_ASSERT(attributes.data_content_type == event.data_content_type);
  RC_ASSERT((attributes.data_schema == event.data_schema && attributes.key == event.key));
  RC_ASSERT(extensions_of(view) == event.extensions);
  RC_ASSERT((view.data() == event.data && view.form() == event.form));
  RC_ASSERT(view.record_bytes() == record.size());
}

RC_GTEST_PROP(Record, AnyFlippedBitIsDetected, ()) {
  auto record = record_of(any_event());
  place_record(record.data(), Position{42}, kStored, TopicId{7});
  const size_t length = load_little_endian<uint32_t>(record.data() + 4);
  const auto bit = *rc::gen::inRange<size_t>(0, length * 8);

  record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));

  RecordHeader header;
  const bool accepted = parse_record_header(record, header) && record_intact(record, header);
  RC_ASSERT(!accepted);
}

TEST(Record, EveryFlippedBitOfOneRecordIsDetected) {
  auto record = record_of(full_event());
  const size_t length = load_little_endian<uint32_t>(record.data() + 4);
  RecordHeader header;

  for (size_t bit = 0; bit < length * 8; ++bit) {
    const auto flip = [&] {
      record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << (bit % 8)));
    };
    flip();
    ASSERT_FALSE(parse_record_header(record, header) && record_intact(record, header)) << bit;
    flip();
  }
  EXPECT_TRUE(parse_record_header(record, header) && record_intact(record, header));
}

TEST(Record, PlacingItAgainMakesItWholeAgain) {
  auto record = record_of(full_event());
  RecordHeader header;

  for (const uint64_t position : {1U, 2U, 3U}) {
    place_record(record.data(), Position{position}, kStored, TopicId{1});
    ASSERT_TRUE(parse_record_header(record, header));
    EXPECT_TRUE(record_intact(record, header));
    EXPECT_EQ(header.position, Position{position});
  }
}

}  // namespace
}  // namespace carillon
