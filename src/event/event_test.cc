#include "event/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace carillon {
namespace {

using std::string_view_literals::operator""sv;
using testing::HasSubstr;

Event event_with(std::string Event::* attribute, std::string value) {
  Event event;
  event.id = "1";
  event.*attribute = std::move(value);
  return event;
}

constexpr std::pair<const char*, std::string Event::*> kAttributes[] = {
    {"id", &Event::id},
    {"source", &Event::source},
    {"type", &Event::type},
    {"subject", &Event::subject},
    {"datacontenttype", &Event::data_content_type},
    {"dataschema", &Event::data_schema},
    {"key", &Event::key}};

TEST(Event, TheSourceOfARawPublishIsItsTopicsPath) {
  EXPECT_EQ(default_source("orders.eu"), "/t/orders.eu");
}

TEST(Event, AnAttributeHasAtMost4096Bytes) {
  for (const auto& [name, attribute] : kAttributes) {
    EXPECT_TRUE(check_attributes(event_with(attribute, std::string(kAttributeBytesMax, 'a'))));

    const auto checked =
        check_attributes(event_with(attribute, std::string(kAttributeBytesMax + 1, 'a')));

    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, Errc::bad_input);
    EXPECT_THAT(checked.error().detail, HasSubstr("'" + std::string(name) + "' has 4097 bytes"));
  }
}

TEST(Event, AnAttributeWithAControlCharacterIsRefusedByName) {
  for (const auto& [name, attribute] : kAttributes) {
    for (const auto value : {"a\nb"sv, "a\rb"sv, "\0"sv, "\t"sv, "\x1b"sv, "\x1f"sv, "\x7f"sv}) {
      const auto checked = check_attributes(event_with(attribute, std::string(value)));
      ASSERT_FALSE(checked) << name;
      EXPECT_THAT(checked.error().detail,
                  HasSubstr("'" + std::string(name) + "' holds a control character"));
    }
  }
}

TEST(Event, AnAttributeThatIsNotUtf8IsRefused) {
  for (const auto& [name, attribute] : kAttributes) {
    EXPECT_FALSE(check_attributes(event_with(attribute, "a\xff"))) << name;
    EXPECT_TRUE(check_attributes(event_with(attribute, "gr\xc3\xbc\xc3\x9f"))) << name;
  }
}

TEST(Event, ExtensionNamesAreLowerCaseLettersAndDigits) {
  for (const std::string_view name :
       {"a", "traceparent", "x1", "9", "abcdefghijklmnopqrst", "keys", "idx"}) {
    EXPECT_TRUE(is_extension_name(name)) << name;
  }
  for (const std::string_view name :
       {"", "A", "trace-id", "trace_id", "a b", "abcdefghijklmnopqrstu", "\xc3\xa4", "a\n"}) {
    EXPECT_FALSE(is_extension_name(name)) << name;
  }
}

TEST(Event, NamesOfTheCoreAndOfTheHubAreNoExtensions) {
  for (const std::string_view name :
       {"id", "source", "specversion", "type", "subject", "time", "datacontenttype", "data",
        "data_base64", "dataschema", "topic", "cursor", "key"}) {
    EXPECT_FALSE(is_extension_name(name)) << name;
  }
}

TEST(Event, ExtensionsAreCheckedByNameValueAndNumber) {
  Event event;
  event.extensions = {{"a", "1"}, {"b", "2"}};
  EXPECT_TRUE(check_attributes(event));

  event.extensions = {{"a", "1"}, {"Bad", "2"}};
  EXPECT_THAT(check_attributes(event).error().detail, HasSubstr("'Bad'"));

  event.extensions = {{"a", "1\n"}};
  EXPECT_THAT(check_attributes(event).error().detail, HasSubstr("'a' holds a control character"));

  event.extensions.assign(kExtensionsMax, {"a", "1"});
  EXPECT_TRUE(check_attributes(event));

  event.extensions.assign(kExtensionsMax + 1, {"a", "1"});
  EXPECT_THAT(check_attributes(event).error().detail, HasSubstr("65 extension attributes"));
}

TEST(ContentType, JsonIsKnownWhateverItsCaseAndParameters) {
  for (const std::string_view type :
       {"application/json", "APPLICATION/JSON", "application/json; charset=utf-8",
        "application/json;x=y", " application/json ", "text/json", "application/problem+json",
        "application/vnd.api+JSON;v=1"}) {
    EXPECT_TRUE(is_json_content_type(type)) << type;
    EXPECT_TRUE(is_text_content_type(type)) << type;
  }
  for (const std::string_view type :
       {"", "application/jsonp", "application/x-json", "json", "application/json-seq",
        "text/plain; a=application/json", "application/x-ndjson", "xapplication/json"}) {
    EXPECT_FALSE(is_json_content_type(type)) << type;
  }
}

TEST(ContentType, TextIsTextXmlAndForms) {
  for (const std::string_view type :
       {"text/plain", "TEXT/html; charset=utf-8", "text/csv", "application/xml",
        "application/atom+xml", "image/svg+xml", "application/x-www-form-urlencoded"}) {
    EXPECT_TRUE(is_text_content_type(type)) << type;
  }
  for (const std::string_view type :
       {"", "text", "application/octet-stream", "image/png", "application/xmlx",
        "multipart/form-data", "application/cbor"}) {
    EXPECT_FALSE(is_text_content_type(type)) << type;
  }
}

}  // namespace
}  // namespace carillon
