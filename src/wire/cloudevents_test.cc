#include "wire/cloudevents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "wire/json_check.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

// An event in order, with `members` besides: `,"a":1`.
std::string event_with(std::string_view members) {
  return R"({"specversion":"1.0","id":"1","source":"/s","type":"t")" + std::string(members) + "}";
}

GivenEvent parsed(std::string_view json) {
  auto given = parse_structured_event(json);
  EXPECT_TRUE(given) << json << ": " << (given ? "" : given.error().detail);
  return given.value_or(GivenEvent{});
}

void expect_refused(std::string_view json, std::string_view why) {
  const auto given = parse_structured_event(json);
  ASSERT_FALSE(given) << json;
  EXPECT_EQ(given.error().code, Errc::bad_input);
  EXPECT_THAT(given.error().detail, HasSubstr(std::string(why))) << json;
}

TEST(CloudEvents, ModesAreToldByContentTypeAsD47Says) {
  EXPECT_TRUE(is_cloudevents_structured("application/cloudevents+json"));
  EXPECT_TRUE(is_cloudevents_structured("Application/CloudEvents+JSON; charset=utf-8"));
  EXPECT_FALSE(is_cloudevents_structured("application/cloudevents-batch+json"));
  EXPECT_FALSE(is_cloudevents_structured("application/json"));
  EXPECT_TRUE(is_cloudevents_batch("application/cloudevents-batch+json;charset=utf-8"));
  EXPECT_FALSE(is_cloudevents_batch("application/cloudevents+json"));
}

TEST(CloudEvents, FormatsThatWeDoNotReadAreTold) {
  EXPECT_TRUE(is_unknown_cloudevents_format("application/cloudevents+avro"));
  EXPECT_TRUE(is_unknown_cloudevents_format("application/cloudevents-batch+proto"));
  EXPECT_TRUE(is_unknown_cloudevents_format("application/cloudevents"));
  EXPECT_FALSE(is_unknown_cloudevents_format("application/cloudevents+json"));
  EXPECT_FALSE(is_unknown_cloudevents_format("application/cloudevents-batch+json"));
  EXPECT_FALSE(is_unknown_cloudevents_format("application/json"));
}

TEST(CloudEvents, AStructuredEventWithEveryAttributeIsRead) {
  const auto given = parsed(event_with(
      R"(,"subject":"a/b","time":"2026-01-31T10:30:00.25+01:00","dataschema":"http://schema/1",)"
      R"("datacontenttype":"application/json","key":"k","traceparent":"00-1","data":{"n": 1.0})"));

  EXPECT_TRUE(given.id_given);
  EXPECT_TRUE(given.source_given);
  EXPECT_EQ(given.event.id, "1");
  EXPECT_EQ(given.event.source, "/s");
  EXPECT_EQ(given.event.type, "t");
  EXPECT_EQ(given.event.subject, "a/b");
  EXPECT_EQ(given.event.time, parse_rfc3339("2026-01-31T09:30:00.25Z"));
  EXPECT_EQ(given.event.time_text, "2026-01-31T10:30:00.25+01:00");
  EXPECT_EQ(given.event.data_schema, "http://schema/1");
  EXPECT_EQ(given.event.data_content_type, "application/json");
  EXPECT_EQ(given.event.key, "k");
  EXPECT_THAT(given.event.extensions, ElementsAre(Extension{"traceparent", "00-1"}));
  EXPECT_EQ(given.event.data, R"({"n": 1.0})");
  EXPECT_EQ(given.event.form, DataForm::json);
}

TEST(CloudEvents, RequiredAttributesAreDemandedByNameAsD41Says) {
  expect_refused(R"({"id":"1","source":"/s","type":"t"})", "'specversion'");
  expect_refused(R"({"specversion":"1.0","source":"/s","type":"t"})", "'id'");
  expect_refused(R"({"specversion":"1.0","id":"1","type":"t"})", "'source'");
  expect_refused(R"({"specversion":"1.0","id":"1","source":"/s"})", "'type'");
  expect_refused(R"({"specversion":"1.0","id":null,"source":"/s","type":"t"})", "'id'");
  expect_refused("{}", "lacks");
}

TEST(CloudEvents, EmptyAttributesAreRefusedAsD41AndD44Say) {
  expect_refused(R"({"specversion":"1.0","id":"","source":"/s","type":"t"})", "'id' is empty");
  expect_refused(R"({"specversion":"1.0","id":"1","source":"","type":"t"})", "'source' is empty");
  expect_refused(R"({"specversion":"1.0","id":"1","source":"/s","type":""})", "'type' is empty");
  expect_refused(event_with(R"(,"subject":"")"), "'subject' is empty");
  expect_refused(event_with(R"(,"datacontenttype":"")"), "'datacontenttype' is empty");
}

TEST(CloudEvents, OnlyVersion10IsUnderstood) {
  expect_refused(R"({"specversion":"0.3","id":"1","source":"/s","type":"t"})", "1.0");
  expect_refused(R"({"specversion":1.0,"id":"1","source":"/s","type":"t"})", "'specversion'");
}

TEST(CloudEvents, AttributesThatAreNotOfTheirTypeAreRefusedAsD44Says) {
  expect_refused(event_with(R"(,"time":"yesterday")"), "RFC 3339");
  expect_refused(event_with(R"(,"dataschema":"/relative")"), "URI");
  expect_refused(event_with(R"(,"dataschema":"")"), "dataschema");
  expect_refused(R"({"specversion":"1.0","id":"1","source":"a b","type":"t"})", "URI-reference");
  expect_refused(R"({"specversion":"1.0","id":1,"source":"/s","type":"t"})",
                 "'id' must be a string");
  expect_refused(event_with(R"(,"subject":true)"), "'subject' must be a string");
  expect_refused(event_with(R"(,"ext":{})"), "'ext' must be");
  expect_refused(event_with(R"(,"ext":[1])"), "'ext' must be");
  expect_refused(event_with(R"(,"ext":1.5)"), "'ext' must be");
}

TEST(CloudEvents, IntegersAndBooleansBecomeTheirText) {
  const auto given = parsed(event_with(R"(,"a":-42,"b":true,"c":"","d":null)"));

  EXPECT_THAT(given.event.extensions,
              ElementsAre(Extension{"a", "-42", ExtensionKind::integer},
                          Extension{"b", "true", ExtensionKind::boolean}, Extension{"c", ""}));
}

TEST(CloudEvents, NamesThatAreNoAttributeNamesAreRefusedAsD43Says) {
  expect_refused(event_with(R"(,"MyExt":"1")"), "'MyExt'");
  expect_refused(event_with(R"(,"my_ext":"1")"), "'my_ext'");
  expect_refused(event_with(R"(,"":"1")"), "no attribute name");
  expect_refused(event_with(R"(,"a23456789012345678901":"1")"), "no attribute name");
  EXPECT_TRUE(parse_structured_event(event_with(R"(,"a2345678901234567890":"1")")));
}

TEST(CloudEvents, AnErrorShowsAnOddNameCutAndEscaped) {
  const auto name = "\\u001b\\n" + std::string(5000, 'x');

  const auto given = parse_structured_event(event_with(",\"" + name + "\":\"1\""));

  ASSERT_FALSE(given);
  EXPECT_LT(given.error().detail.size(), 400);
  EXPECT_EQ(given.error().detail.find('\x1b'), std::string::npos);
  EXPECT_EQ(given.error().detail.find('\n'), std::string::npos);
}

TEST(CloudEvents, AnAttributeGivenTwiceIsRefusedHoweverItIsSpelled) {
  expect_refused(event_with(R"(,"id":"2")"), "'id' twice");
  expect_refused(event_with(R"(,"\u0069d":"2")"), "'id' twice");
  expect_refused(event_with(R"(,"data":1,"data":2)"), "'data' twice");
  expect_refused(event_with(R"(,"ext":null,"ext":"1")"), "'ext' twice");
}

TEST(CloudEvents, ControlCharactersAndLongValuesAreRefused) {
  expect_refused(event_with(R"(,"subject":"a\nb")"), "control character");
  expect_refused(event_with(R"(,"ext":"a\u0000b")"), "control character");
  expect_refused(event_with(",\"ext\":\"" + std::string(kAttributeBytesMax + 1, 'a') + "\""),
                 "bytes");
}

TEST(CloudEvents, MoreExtensionsThanTheLimitAreRefused) {
  std::string members;
  for (size_t i = 0; i < kExtensionsMax; ++i) members += ",\"e" + std::to_string(i) + "\":\"\"";

  EXPECT_TRUE(parse_structured_event(event_with(members)));
  expect_refused(event_with(members + R"(,"more":"")"), "extension attributes");
  for (size_t i = 0; i < 100; ++i) members += ",\"f" + std::to_string(i) + "\":null";
  expect_refused(event_with(members), "more than");
}

TEST(CloudEvents, ACursorIsDroppedAndATopicKeptApart) {
  const auto given = parsed(event_with(R"(,"cursor":"7f3ak2-1042","topic":"orders.eu")"));

  EXPECT_EQ(given.topic, "orders.eu");
  EXPECT_TRUE(given.event.extensions.empty());
  EXPECT_EQ(parsed(event_with("")).topic, std::nullopt);
}

// --- Data (D4.13)

TEST(CloudEventsData, JsonIsKeptAsItsExactBytes) {
  for (const std::string_view data : {R"({ "a" : [1, 2.50],)"
                                      "\n"
                                      R"( "b":"\u00e4" })",
                                      R"("text")", "12345678901234567890", "null", "true", "[]"}) {
    const auto given = parsed(event_with(",\"data\": " + std::string(data) + " "));

    EXPECT_EQ(given.event.data, data);
    EXPECT_EQ(given.event.data_content_type, "application/json");
    EXPECT_EQ(given.event.form, DataForm::json);
  }
}

TEST(CloudEventsData, AJsonContentTypeOfAnySpellingKeepsJson) {
  const auto given =
      parsed(event_with(R"(,"datacontenttype":"Application/X+JSON; a=b","data":"s")"));

  EXPECT_EQ(given.event.data, R"("s")");
  EXPECT_EQ(given.event.data_content_type, "Application/X+JSON; a=b");
  EXPECT_EQ(given.event.form, DataForm::json);
}

TEST(CloudEventsData, AStringOfAnotherContentTypeIsItsText) {
  const auto xml = parsed(event_with(R"(,"datacontenttype":"text/xml","data":"<a>\n\u00e4</a>")"));
  EXPECT_EQ(xml.event.data, "<a>\n\xc3\xa4</a>");
  EXPECT_EQ(xml.event.form, DataForm::text);

  const auto image = parsed(event_with(R"(,"datacontenttype":"image/png","data":"abc")"));
  EXPECT_EQ(image.event.data, "abc");
  EXPECT_EQ(image.event.form, DataForm::binary);
}

TEST(CloudEventsData, AValueThatIsNoStringNeedsAJsonContentType) {
  expect_refused(event_with(R"(,"datacontenttype":"text/plain","data":{"a":1})"), "text/plain");
  expect_refused(event_with(R"(,"data":1,"datacontenttype":"text/plain")"), "not a string");
}

TEST(CloudEventsData, Base64IsDecoded) {
  const auto given = parsed(event_with(R"(,"data_base64":"AAH\/","datacontenttype":"image/png")"));

  EXPECT_EQ(given.event.data, std::string("\x00\x01\xff", 3));
  EXPECT_EQ(given.event.form, DataForm::binary);
}

TEST(CloudEventsData, Base64OfTextOrJsonIsTextOrJson) {
  EXPECT_EQ(
      parsed(event_with(R"(,"data_base64":"aGk=","datacontenttype":"text/plain")")).event.form,
      DataForm::text);
  EXPECT_EQ(parsed(event_with(R"(,"data_base64":"WzFd","datacontenttype":"text/json")")).event.form,
            DataForm::json);
}

TEST(CloudEventsData, WhatIsNotBase64IsRefused) {
  for (const std::string_view value : {"\"A\"", "\"AAA\"", "\"A_-=\"", "\"AAB=\"", "1", "{}"}) {
    expect_refused(event_with(",\"data_base64\":" + std::string(value)), "data_base64");
  }
}

TEST(CloudEventsData, BothKindsOfDataAreRefusedUnlessOneIsNull) {
  expect_refused(event_with(R"(,"data":"a","data_base64":"aGk=")"), "both");
  EXPECT_EQ(parsed(event_with(R"(,"data":null,"data_base64":"aGk=")")).event.data, "hi");
  EXPECT_EQ(parsed(event_with(R"(,"data":"a","data_base64":null)")).event.data, R"("a")");
}

TEST(CloudEventsData, AnEventNeedsNoDataAndThenNoContentType) {
  const auto given = parsed(event_with(""));

  EXPECT_EQ(given.event.data, "");
  EXPECT_EQ(given.event.data_content_type, "");
  EXPECT_EQ(given.event.form, DataForm::binary);
}

TEST(CloudEventsData, TheFormIsOneRuleForEveryProtocol) {
  const auto form = [](std::string_view content_type, std::string_view data) {
    Event event{.data_content_type = std::string(content_type), .data = std::string(data)};
    set_data_form(event);
    return event.form;
  };

  EXPECT_EQ(form("text/plain", "hello"), DataForm::text);
  EXPECT_EQ(form("text/plain", ""), DataForm::text);
  EXPECT_EQ(form("text/csv; charset=utf-8", "a,b"), DataForm::text);
  EXPECT_EQ(form("application/xml", "<a/>"), DataForm::text);
  EXPECT_EQ(form("image/svg+xml", "<svg/>"), DataForm::text);
  EXPECT_EQ(form("application/x-www-form-urlencoded", "a=b"), DataForm::text);
  EXPECT_EQ(form("text/plain", "\xff"), DataForm::binary);
  EXPECT_EQ(form("application/json", "{}"), DataForm::json);
  EXPECT_EQ(form("application/vnd.api+json", "[1]"), DataForm::json);
  EXPECT_EQ(form("application/json", "{"), DataForm::binary);
  EXPECT_EQ(form("application/octet-stream", "hello"), DataForm::binary);
  EXPECT_EQ(form("", "hello"), DataForm::binary);
}

// --- What is no event at all

TEST(CloudEvents, BrokenJsonIsRefusedWithItsPlace) {
  expect_refused("{\"id\":}", std::string(kBrokenJson) + "line 1, column 7 (byte 7)");
  expect_refused("", kBrokenJson);
  expect_refused(event_with("") + "x", "nothing may follow");
}

TEST(CloudEvents, OtherJsonIsNoEvent) {
  for (const std::string_view json : {"[]", "\"event\"", "1", "null"}) {
    expect_refused(json, "a CloudEvent is a JSON object");
  }
}

// --- Batches

TEST(CloudEventsBatch, ItemsComeInTheirOrder) {
  const auto batch = parse_event_batch("[" + event_with(R"(,"subject":"a")") + " , " +
                                       event_with(R"(,"subject":"b")") + "]");

  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->size(), 2);
  EXPECT_EQ(batch->at(0).event.subject, "a");
  EXPECT_EQ(batch->at(1).event.subject, "b");
}

TEST(CloudEventsBatch, AnEmptyOneIsLegalAsD412Says) {
  const auto batch = parse_event_batch(" [ ] ");

  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->empty());
}

TEST(CloudEventsBatch, TheBadItemIsNamedByItsIndex) {
  const auto good = event_with("");

  const auto batch = parse_event_batch("[" + good + "," + good + "," + good + R"(,{"id":"1"}])");

  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, Errc::bad_input);
  EXPECT_THAT(batch.error().detail, StartsWith("event 3: the event lacks"));
}

TEST(CloudEventsBatch, AnItemThatIsNoObjectIsNamedToo) {
  const auto batch = parse_event_batch("[1]");

  ASSERT_FALSE(batch);
  EXPECT_THAT(batch.error().detail, StartsWith("event 0: "));
}

TEST(CloudEventsBatch, BrokenJsonAnywhereRefusesTheWholeWithItsPlace) {
  const auto batch = parse_event_batch("[" + event_with("") + ",\n]");

  ASSERT_FALSE(batch);
  EXPECT_THAT(batch.error().detail, StartsWith(std::string(kBrokenJson) + "line 2, column 1"));
}

TEST(CloudEventsBatch, AnObjectIsNoBatch) {
  const auto batch = parse_event_batch(event_with(""));

  ASSERT_FALSE(batch);
  EXPECT_THAT(batch.error().detail, HasSubstr("array"));
}

TEST(CloudEventsBatch, MoreEventsThanTheLimitAreTooLarge) {
  std::string items = event_with("");
  for (size_t i = 1; i < kBatchEventsMax; ++i) items += "," + event_with("");

  EXPECT_TRUE(parse_event_batch("[" + items + "]"));
  const auto more = parse_event_batch("[" + items + "," + event_with("") + "]");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Errc::too_large);
}

RC_GTEST_PROP(CloudEvents, EveryValueOfAnExtensionComesBack, ()) {
  const std::vector<std::string> characters = {"a", "\"", "\\", "/", " ", "%", "\xc3\xa4", "u0041"};
  std::string value;
  for (const auto& part :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(characters))) {
    value += part;
  }

  const auto given = parse_structured_event(event_with(",\"ext\":" + json_string(value)));

  RC_ASSERT(given.has_value());
  RC_ASSERT(given->event.extensions.at(0).value == value);
}

}  // namespace
}  // namespace carillon
