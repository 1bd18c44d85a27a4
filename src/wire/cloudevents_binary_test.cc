#include "wire/cloudevents_binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "testing/stored_event.h"
#include "wire/json_check.h"

namespace carillon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

using Fields = std::vector<HeaderField>;

constexpr Epoch kEpoch{36};
const WallTime kStoredAt = *parse_rfc3339("2026-01-31T09:30:00Z");

Fields with_required(Fields more) {
  Fields fields = {
      {"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/s"}, {"ce-type", "t"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

GivenEvent given_of(const Fields& fields, std::string body) {
  auto given = event_from_binary(fields, std::move(body));
  EXPECT_TRUE(given) << (given ? "" : given.error().detail);
  return given.value_or(GivenEvent{});
}

void expect_refused(const Fields& fields, std::string_view why) {
  const auto given = event_from_binary(fields, "x");
  ASSERT_FALSE(given) << why;
  EXPECT_EQ(given.error().code, Errc::bad_input);
  EXPECT_THAT(given.error().detail, HasSubstr(std::string(why)));
}

// --- Raw publishes

TEST(RawPublish, ABareCurlIsText) {
  const auto given =
      given_of({{"host", "hub"}, {"content-type", "application/x-www-form-urlencoded"}}, "hello");

  EXPECT_EQ(given.event.data, "hello");
  EXPECT_EQ(given.event.data_content_type, "text/plain");
  EXPECT_EQ(given.event.form, DataForm::text);
  EXPECT_FALSE(given.id_given);
  EXPECT_FALSE(given.source_given);
  EXPECT_EQ(given.event.type, "");
}

TEST(RawPublish, AnAbsentContentTypeIsGuessedFromTheBytes) {
  EXPECT_EQ(given_of({}, "hello").event.data_content_type, "text/plain");
  EXPECT_EQ(given_of({}, "").event.data_content_type, "text/plain");
  const auto binary = given_of({}, "\xff\xfe");
  EXPECT_EQ(binary.event.data_content_type, "application/octet-stream");
  EXPECT_EQ(binary.event.form, DataForm::binary);
}

TEST(RawPublish, AFormThatSaysMoreThanCurlDoesIsAForm) {
  const auto given =
      given_of({{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}}, "a=b");

  EXPECT_EQ(given.event.data_content_type, "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(given.event.form, DataForm::text);
}

TEST(RawPublish, TheBodyAndItsContentTypeAreKeptByteForByte) {
  const auto given =
      given_of({{"content-type", "Image/PNG;a=\"b\""}}, std::string("\x89PNG\r\n\0", 7));

  EXPECT_EQ(given.event.data, std::string("\x89PNG\r\n\0", 7));
  EXPECT_EQ(given.event.data_content_type, "Image/PNG;a=\"b\"");
  EXPECT_EQ(given.event.form, DataForm::binary);
}

TEST(RawPublish, JsonIsValidatedAndKept) {
  const auto given = given_of({{"content-type", "application/json"}}, "{ \"a\":1.0}\n");
  EXPECT_EQ(given.event.data, "{ \"a\":1.0}\n");
  EXPECT_EQ(given.event.form, DataForm::json);

  const auto broken = event_from_binary({{"content-type", "application/json"}}, "{\n\"a\":}");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::bad_input);
  EXPECT_THAT(broken.error().detail,
              StartsWith(std::string(kBrokenJson) + "line 2, column 5 (byte 7)"));
}

TEST(RawPublish, AnyAttributeGivenIsTakenTheRestLeftToTheHub) {
  const auto given =
      given_of({{"ce-type", "order.made"}, {"ce-key", "42"}, {"ce-subject", "eu"}}, "x");

  EXPECT_EQ(given.event.type, "order.made");
  EXPECT_EQ(given.event.key, "42");
  EXPECT_EQ(given.event.subject, "eu");
  EXPECT_EQ(given.event.id, "");
  EXPECT_FALSE(given.id_given);
}

// --- Binary mode

TEST(BinaryMode, AnEventIsReadFromItsFields) {
  const auto given = given_of(with_required({{"content-type", "text/plain"},
                                             {"ce-time", "2026-01-31T09:30:00Z"},
                                             {"ce-dataschema", "http://s/1"},
                                             {"ce-subject", "a"},
                                             {"ce-traceparent", "00-1"}}),
                              "hello");

  EXPECT_TRUE(given.id_given);
  EXPECT_TRUE(given.source_given);
  EXPECT_EQ(given.event.id, "1");
  EXPECT_EQ(given.event.source, "/s");
  EXPECT_EQ(given.event.type, "t");
  EXPECT_EQ(given.event.time, kStoredAt);
  EXPECT_EQ(given.event.data_schema, "http://s/1");
  EXPECT_THAT(given.event.extensions, ElementsAre(Extension{"traceparent", "00-1"}));
}

TEST(BinaryMode, RequiredAttributesAreDemandedOnlyBesideASpecversion) {
  expect_refused({{"ce-specversion", "1.0"}}, "lacks 'id'");
  expect_refused({{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/s"}}, "lacks 'type'");
  EXPECT_TRUE(event_from_binary({{"ce-id", "1"}}, ""));
}

TEST(BinaryMode, AnotherSpecversionIsRefused) {
  auto fields = with_required({});
  fields[0].value = "0.3";

  expect_refused(fields, "1.0");
}

TEST(BinaryMode, RepeatedFieldsAreRefused) {
  expect_refused({{"ce-id", "1"}, {"ce-id", "1"}}, "'ce-id' is given twice");
  expect_refused({{"content-type", "a/b"}, {"content-type", "a/b"}},
                 "'content-type' is given twice");
  EXPECT_TRUE(event_from_binary({{"x-a", "1"}, {"x-a", "2"}}, ""));
}

TEST(BinaryMode, TheContentTypeHasNoFieldOfItsOwnAsD48Says) {
  expect_refused({{"ce-datacontenttype", "text/plain"}}, "Content-Type");
}

TEST(BinaryMode, FieldsThatAreNoAttributesAreRefused) {
  expect_refused({{"ce-", "1"}}, "no attribute name");
  expect_refused({{"ce-data", "1"}}, "'data'");
  expect_refused({{"ce-my-ext", "1"}}, "'my-ext'");
  expect_refused({{"ce-id", ""}}, "'id' is empty");
  expect_refused({{"ce-time", "now"}}, "RFC 3339");
  expect_refused({{"ce-subject", "a%0Ab"}}, "control character");
}

TEST(BinaryMode, ACursorIsDroppedAndATopicKeptApart) {
  const auto given = given_of({{"ce-cursor", "a-1"}, {"ce-topic", "news"}}, "");

  EXPECT_EQ(given.topic, "news");
  EXPECT_TRUE(given.event.extensions.empty());
}

TEST(BinaryMode, AnEventWithoutDataHasNoContentType) {
  const auto given = given_of(with_required({}), "");

  EXPECT_EQ(given.event.data_content_type, "");
  EXPECT_EQ(given.event.form, DataForm::binary);
  EXPECT_EQ(given_of(with_required({}), "x").event.data_content_type, "text/plain");
}

// --- Values (D4.9, D4.10)

TEST(CeValue, TheVectorOfTheStandardGoesBothWays) {
  const std::string text = "Euro \xe2\x82\xac \xf0\x9f\x98\x80";
  const std::string encoded = "Euro%20%E2%82%AC%20%F0%9F%98%80";

  EXPECT_EQ(encode_ce_value(text), encoded);
  EXPECT_EQ(decode_ce_value(encoded).value(), text);
}

TEST(CeValue, OnlyWhatMustBeIsEncoded) {
  EXPECT_EQ(encode_ce_value("/a?b=c&d#e~!'()*+,;:@[]\\"), "/a?b=c&d#e~!'()*+,;:@[]\\");
  EXPECT_EQ(encode_ce_value("a\"b%c d\x7f"), "a%22b%25c%20d%7F");
}

TEST(CeValue, LowerCaseAndNeedlessEncodingIsAccepted) {
  EXPECT_EQ(decode_ce_value("%c3%a4%61").value(),
            "\xc3\xa4"
            "a");
  EXPECT_EQ(decode_ce_value("a b").value(), "a b");
  EXPECT_EQ(decode_ce_value("a+b").value(), "a+b");
}

TEST(CeValue, OneRoundIsDecodedAndNoMore) { EXPECT_EQ(decode_ce_value("%2541").value(), "%41"); }

TEST(CeValue, AQuotedFormIsUndoneFirst) {
  EXPECT_EQ(decode_ce_value(R"("a b")").value(), "a b");
  EXPECT_EQ(decode_ce_value(R"("a\"b\\c\d")").value(), R"(a"b\cd)");
  EXPECT_EQ(decode_ce_value(R"("%22")").value(), "\"");
  EXPECT_EQ(decode_ce_value(R"("")").value(), "");
}

TEST(CeValue, BrokenQuotesPercentSequencesAndUtf8AreRefused) {
  for (const std::string_view value : {"\"", "\"a", "\"a\"b", "\"a\\", "\"a\\\"", "%", "%4", "%4g",
                                       "100%", "%C0%A0", "%ED%A0%80", "\xff"}) {
    const auto decoded = decode_ce_value(value);
    ASSERT_FALSE(decoded) << value;
    EXPECT_EQ(decoded.error().code, Errc::bad_input);
  }
}

RC_GTEST_PROP(CeValue, EncodedTextIsPlainAsciiAndComesBack, ()) {
  const std::vector<std::string> characters = {"a",  "\"", "%",        " ",
                                               "\\", "~",  "\xc3\xa4", "\xf0\x9f\x98\x80"};
  std::string text;
  for (const auto& part :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(characters))) {
    text += part;
  }

  const auto encoded = encode_ce_value(text);

  RC_ASSERT(std::ranges::all_of(encoded, [](char c) { return c > 0x20 && c < 0x7f && c != '"'; }));
  RC_ASSERT(decode_ce_value(encoded).value_or("!") == text);
}

// --- Stored events as fields

TEST(BinaryHeaders, HaveEveryAttributeAndTheContentType) {
  const Event event{.id = "1",
                    .source = "/s",
                    .type = "t",
                    .subject = "a \xc3\xa4",
                    .data_content_type = "text/plain; charset=utf-8",
                    .data_schema = "http://s/1",
                    .time = kStoredAt,
                    .time_text = "2026-01-31T10:30:00+01:00",
                    .key = "k",
                    .extensions = {{"ext", "e"}},
                    .data = "x",
                    .form = DataForm::text};
  const StoredEvent stored(event, "news", Position{1042}, kStoredAt);
  Fields fields;

  append_binary_headers(fields, stored.view(), kEpoch);

  EXPECT_THAT(fields,
              ElementsAre(HeaderField{"ce-specversion", "1.0"}, HeaderField{"ce-id", "1"},
                          HeaderField{"ce-source", "/s"}, HeaderField{"ce-type", "t"},
                          HeaderField{"ce-subject", "a%20%C3%A4"},
                          HeaderField{"ce-time", "2026-01-31T10:30:00+01:00"},
                          HeaderField{"ce-dataschema", "http://s/1"},
                          HeaderField{"ce-topic", "news"}, HeaderField{"ce-cursor", "10-1042"},
                          HeaderField{"ce-key", "k"}, HeaderField{"ce-ext", "e"},
                          HeaderField{"content-type", "text/plain; charset=utf-8"}));
}

TEST(BinaryHeaders, DefaultsAreFilledIn) {
  const Event event{.id = "1", .source = "/t/news", .type = std::string(kDefaultType)};
  const StoredEvent stored(event, "news", Position{1}, kStoredAt);
  Fields fields;

  append_binary_headers(fields, stored.view(), kEpoch);

  EXPECT_THAT(fields, Contains(HeaderField{"ce-source", "/t/news"}));
  EXPECT_THAT(fields, Contains(HeaderField{"ce-type", "carillon.event"}));
  EXPECT_THAT(fields, Contains(HeaderField{"ce-time", "2026-01-31T09:30:00Z"}));
  EXPECT_FALSE(std::ranges::count(fields, "content-type", &HeaderField::name));
}

TEST(BinaryHeaders, AreReadBackAsTheSameEventAsD415Says) {
  const Fields fields = with_required({{"content-type", "text/plain"},
                                       {"ce-subject", "%22q%22"},
                                       {"ce-ext", "%F0%9F%98%80"},
                                       {"ce-key", "a%25"}});
  const auto first = given_of(fields, "data").event;
  const StoredEvent stored(first, "news", Position{1}, kStoredAt);
  Fields written;

  append_binary_headers(written, stored.view(), kEpoch);

  const auto second = given_of(written, "data").event;
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.source, first.source);
  EXPECT_EQ(second.type, first.type);
  EXPECT_EQ(second.subject, "\"q\"");
  EXPECT_EQ(second.key, "a%");
  EXPECT_EQ(second.extensions, first.extensions);
  EXPECT_EQ(second.data_content_type, first.data_content_type);
}

}  // namespace
}  // namespace carillon
