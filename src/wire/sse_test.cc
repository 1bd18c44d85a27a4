#include "wire/sse.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "testing/stored_event.h"
#include "wire/cloudevents.h"
#include "wire/event_json.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::milliseconds;

constexpr Epoch kEpoch{36};  // `10` in base 36
constexpr Cursor kCursor{kEpoch, Position{1042}};

StoredEvent stored(std::string_view content_type, std::string_view data) {
  Event event{.id = "1",
              .source = "/t/news",
              .type = std::string(kDefaultType),
              .data_content_type = std::string(content_type),
              .data = std::string(data)};
  set_data_form(event);
  return StoredEvent(event, "news", Position{1042}, WallTime());
}

std::string sse_of(const StoredEvent& event, SseForm form = SseForm::data) {
  std::string out;
  append_sse_event(out, event.view(), kEpoch, form);
  return out;
}

std::string json_of(const StoredEvent& event) {
  std::string out;
  append_event_json(out, event.view(), kEpoch, DataAs::natural);
  return out;
}

std::vector<SseEvent> read(std::string_view stream) {
  SseParser parser;
  std::vector<SseEvent> events;
  EXPECT_TRUE(parser.feed(stream, events));
  return events;
}

TEST(Sse, AnEventIsItsCursorAndItsData) {
  EXPECT_EQ(sse_of(stored("text/plain", "hello")), "id: 10-1042\ndata: hello\n\n");
  EXPECT_EQ(sse_of(stored("application/json", R"({"a": 1})")), "id: 10-1042\ndata: {\"a\": 1}\n\n");
}

TEST(Sse, EveryKindOfLineEndBecomesALineBreakAsB15Says) {
  EXPECT_EQ(sse_of(stored("text/plain", "a\nb\rc\r\nd")),
            "id: 10-1042\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_of(stored("text/plain", "\n\r\r\n")),
            "id: 10-1042\ndata: \ndata: \ndata: \ndata: \n\n");
}

TEST(Sse, ALeadingSpaceSurvivesAsB16Says) {
  const auto events = read(sse_of(stored("text/plain", " a\n  b")));

  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].data, " a\n  b");
}

TEST(Sse, AnEmptyPayloadIsAnEventAsB17Says) {
  const auto events = read(sse_of(stored("text/plain", "")));

  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].data, "");
  EXPECT_EQ(events[0].last_event_id, "10-1042");
}

TEST(Sse, APayloadCannotForgeFieldsOrEvents) {
  const auto events =
      read(sse_of(stored("text/plain", "a\n\ndata: b\nid: x\r\revent: y\r\n\r\n: z")));

  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].data, "a\n\ndata: b\nid: x\n\nevent: y\n\n: z");
  EXPECT_EQ(events[0].last_event_id, "10-1042");
  EXPECT_EQ(events[0].type, "message");
}

TEST(Sse, ABinaryPayloadIsItsJsonEventUnderAName) {
  const auto event = stored("image/png", "\x89PNG\n");

  EXPECT_EQ(sse_of(event), "id: 10-1042\nevent: carillon.event\ndata: " + json_of(event) + "\n\n");
}

TEST(Sse, AsCloudEventsEveryEventIsItsJsonWithoutAName) {
  for (const std::string_view content_type : {"text/plain", "image/png"}) {
    const auto event = stored(content_type, "a\nb");

    EXPECT_EQ(sse_of(event, SseForm::cloudevents), "id: 10-1042\ndata: " + json_of(event) + "\n\n");
  }
}

TEST(Sse, RetryIsDigitsOnlyAsB110Says) {
  std::string out;

  append_sse_retry(out, milliseconds(2500));

  EXPECT_EQ(out, "retry: 2500\n\n");
}

TEST(Sse, ACursorMovesTheClientWithoutAMessage) {
  std::string out;

  append_sse_cursor(out, kCursor);

  EXPECT_EQ(out, "event: carillon.cursor\nid: 10-1042\ndata:\n\n");
  const auto events = read(out);
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0],
            (SseEvent{.last_event_id = "10-1042", .type = "carillon.cursor", .data = ""}));
}

TEST(Sse, AGapCarriesTheCursorFromWhichTheReaderGoesOn) {
  std::string out;

  append_sse_named(out, "carillon.gap", kCursor, R"({"reason":"expired"})");

  EXPECT_EQ(out, "event: carillon.gap\nid: 10-1042\ndata: {\"reason\":\"expired\"}\n\n");
}

TEST(Sse, AByeHasNoCursorAndComesWithItsRetry) {
  std::string out;

  append_sse_named(out, "carillon.bye", std::nullopt, "{\"retry_ms\":\n1000}");
  append_sse_retry(out, milliseconds(1000));

  EXPECT_EQ(out, "event: carillon.bye\ndata: {\"retry_ms\":\ndata: 1000}\n\nretry: 1000\n\n");
}

TEST(Sse, BlocksAreWholeSoThatAStreamMayEndBehindAnyOfThemAsB14Says) {
  std::string out;
  append_sse_retry(out, milliseconds(1));
  append_sse_cursor(out, kCursor);
  append_sse_event(out, stored("text/plain", "a").view(), kEpoch, SseForm::data);

  const auto events = read(out);

  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[1].data, "a");
}

RC_GTEST_PROP(Sse, WhatIsWrittenIsExactlyOneEventWithTheSameLines, ()) {
  const auto data =
      *rc::gen::container<std::string>(rc::gen::element('a', ' ', ':', '\r', '\n', '\0'));
  std::string lines;  // the data with LF for each of its line ends
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i] == '\n' && i > 0 && data[i - 1] == '\r') continue;
    lines += data[i] == '\r' ? '\n' : data[i];
  }

  const auto events = read(sse_of(stored("text/plain", data)));

  RC_ASSERT(events.size() == 1U);
  RC_ASSERT(events[0] == (SseEvent{.last_event_id = "10-1042", .type = "message", .data = lines}));
}

}  // namespace
}  // namespace carillon
