#include "wire/event_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "testing/stored_event.h"
#include "wire/cloudevents.h"

namespace carillon {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr Epoch kEpoch{36};  // `10` in base 36
const WallTime kStoredAt = *parse_rfc3339("2026-01-31T09:30:00.25Z");

Event event_of(std::string_view content_type, std::string_view data) {
  Event event{.id = "1",
              .source = "/t/news",
              .type = std::string(kDefaultType),
              .data_content_type = std::string(content_type),
              .data = std::string(data)};
  set_data_form(event);
  return event;
}

std::string json_of(const Event& event, DataAs data_as = DataAs::natural) {
  const StoredEvent stored(event, "news", Position{1042}, kStoredAt);
  std::string out;
  append_event_json(out, stored.view(), kEpoch, data_as);
  return out;
}

TEST(EventJson, ARawEventHasItsDefaultsATopicAndACursor) {
  EXPECT_EQ(json_of(event_of("text/plain", "hello")),
            R"({"specversion":"1.0","id":"1","source":"/t/news","type":"carillon.event",)"
            R"("time":"2026-01-31T09:30:00.250000Z","datacontenttype":"text/plain",)"
            R"("topic":"news","cursor":"10-1042","data":"hello"})");
}

TEST(EventJson, EveryAttributeStandsInItsPlace) {
  auto event = event_of("application/json", R"({"n":1.0})");
  event.source = "/s";
  event.type = "t";
  event.subject = "a\"b";
  event.time = kStoredAt;
  event.time_text = "2026-01-31T10:30:00.25+01:00";
  event.data_schema = "http://s/1";
  event.key = "k";
  event.extensions = {{"exta", "\\"}, {"extb", ""}};

  EXPECT_EQ(json_of(event),
            R"({"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"a\"b",)"
            R"("time":"2026-01-31T10:30:00.25+01:00","datacontenttype":"application/json",)"
            R"("dataschema":"http://s/1","topic":"news","cursor":"10-1042","key":"k",)"
            R"("exta":"\\","extb":"","data":{"n":1.0}})");
}

TEST(EventJson, DataIsWrittenByItsForm) {
  EXPECT_THAT(json_of(event_of("text/plain", "\"a\"\n\xc3\xa4")),
              EndsWith("\"data\":\"\\\"a\\\"\\n\xc3\xa4\"}"));
  EXPECT_THAT(json_of(event_of("text/plain", "")), EndsWith(R"("data":""})"));
  EXPECT_THAT(json_of(event_of("application/json", "12345678901234567890.10")),
              EndsWith(R"("data":12345678901234567890.10})"));
  EXPECT_THAT(json_of(event_of("image/png", std::string("\x00\x01\xff", 3))),
              EndsWith(R"("data_base64":"AAH/"})"));
  EXPECT_THAT(json_of(event_of("text/plain", "\xff")), EndsWith(R"("data_base64":"/w=="})"));
}

TEST(EventJson, JsonOfSeveralLinesBecomesOneLine) {
  EXPECT_THAT(json_of(event_of("application/json", "{\r\n \"a\":\n1}\n")),
              EndsWith(R"("data":{   "a": 1} })"));
}

TEST(EventJson, Base64GivesTheExactBytesOfEveryForm) {
  EXPECT_THAT(json_of(event_of("text/plain", "hi"), DataAs::base64),
              EndsWith(R"("data_base64":"aGk="})"));
  EXPECT_THAT(json_of(event_of("application/json", "[1]\n"), DataAs::base64),
              EndsWith(R"("data_base64":"WzFdCg=="})"));
  EXPECT_THAT(json_of(event_of("text/plain", ""), DataAs::base64),
              EndsWith(R"("data_base64":""})"));
}

TEST(EventJson, AnEventWithoutDataHasNoDataMember) {
  for (const auto data_as : {DataAs::natural, DataAs::base64}) {
    EXPECT_THAT(json_of(event_of("", ""), data_as), EndsWith(R"("cursor":"10-1042"})"));
    EXPECT_THAT(json_of(event_of("", ""), data_as), Not(HasSubstr("datacontenttype")));
  }
}

TEST(EventJson, IsAppendedBehindWhatIsThere) {
  const StoredEvent stored(event_of("text/plain", "x"), "news", Position{1}, kStoredAt);
  std::string out = "[";

  append_event_json(out, stored.view(), kEpoch, DataAs::natural);

  EXPECT_TRUE(out.starts_with("[{\"specversion\""));
}

// parse after print is stable (D4.15): what is read back is printed as the same bytes.
TEST(EventJson, IsReadBackAsTheSameEvent) {
  auto event = event_of("text/plain", "a\n\"b\" \xf0\x9f\x98\x80");
  event.source = "/s";
  event.key = "k";
  event.extensions = {{"ext", "e/%20"}};
  const auto printed = json_of(event);

  const auto given = parse_structured_event(printed);

  ASSERT_TRUE(given) << given.error().detail;
  EXPECT_EQ(given->topic, "news");
  EXPECT_EQ(given->event.data, event.data);
  EXPECT_EQ(given->event.form, DataForm::text);
  EXPECT_EQ(json_of(given->event), printed);
}

RC_GTEST_PROP(EventJson, AnyBytesComeBackThroughBase64, (const std::string& bytes)) {
  const auto printed = json_of(event_of("application/octet-stream", bytes));

  const auto given = parse_structured_event(printed);

  RC_ASSERT(given.has_value());
  RC_ASSERT(given->event.data == bytes);
  RC_ASSERT(printed.find('\n') == std::string::npos);
}

// --- Times

std::string written(WallTime time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

TEST(EventJsonTime, HasMicrosecondsOnlyWhenThereAreAny) {
  EXPECT_EQ(written(*parse_rfc3339("2026-01-31T09:30:00Z")), "2026-01-31T09:30:00Z");
  EXPECT_EQ(written(*parse_rfc3339("2026-01-31T09:30:00.000001Z")), "2026-01-31T09:30:00.000001Z");
  EXPECT_EQ(written(WallTime()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(written(WallTime(std::chrono::microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

TEST(EventJsonTime, YearsOutsideFourDigitsAreWrittenAsTheClockDoes) {
  const auto late = *parse_rfc3339("9999-12-31T23:59:59-01:00");

  EXPECT_EQ(written(late), to_rfc3339(late));
}

RC_GTEST_PROP(EventJsonTime, IsWhatTheClockWrites, ()) {
  const auto microseconds =
      *rc::gen::inRange<int64_t>(-60'000'000'000'000'000, 250'000'000'000'000'000);
  const WallTime time{std::chrono::microseconds(microseconds)};

  RC_ASSERT(written(time) == to_rfc3339(time));
}

}  // namespace
}  // namespace carillon
