#include "wire/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <boost/json.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "testing/stored_event.h"
#include "wire/cloudevents.h"

namespace carillon {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr Epoch kEpoch{36};  // `10` in base 36
constexpr std::string_view kUuid = "01950a3e-7d2c-7c4e-9f00-5b1c2d3e4f50";
const WallTime kFirst = *parse_rfc3339("2026-01-31T09:30:00Z");

std::vector<std::string> ids_of(const std::string& atom) {
  constexpr std::string_view kOpen = "<id>";
  std::vector<std::string> ids;
  for (size_t at = 0; (at = atom.find(kOpen, at)) != std::string::npos;) {
    at += kOpen.size();
    ids.push_back(atom.substr(at, atom.find('<', at) - at));
  }
  return ids;
}

// A topic of events that is shown as a feed, newest first.
class Shown {
 public:
  Shown& add(std::string_view content_type, std::string_view data, std::string_view id = kUuid) {
    Event event{.id = std::string(id),
                .source = "/t/news",
                .type = std::string(kDefaultType),
                .data_content_type = std::string(content_type),
                .data = std::string(data)};
    set_data_form(event);
    return add(event);
  }
  Shown& add(const Event& event) {
    const auto number = stored_.size();
    stored_.emplace_front(event, "news", Position{100 + number},
                          kFirst + std::chrono::minutes(number));
    return *this;
  }

  Shown& from(std::string origin) {
    origin_ = std::move(origin);
    return *this;
  }

  std::string atom(std::string_view hub_url = "") const { return shown(append_atom_feed, hub_url); }
  std::string json_text(std::string_view hub_url = "") const {
    return shown(append_json_feed, hub_url);
  }
  boost::json::value json(std::string_view hub_url = "") const {
    return boost::json::parse(json_text(hub_url));
  }

 private:
  std::string shown(void (*append)(std::string&, const Feed&), std::string_view hub_url) const {
    std::vector<EventView> views;
    for (const auto& event : stored_) views.push_back(event.view());
    const auto self_url = origin_ + "/t/news/feed";
    std::string out;
    append(out, {.topic = "news",
                 .origin = origin_,
                 .self_url = self_url,
                 .hub_url = hub_url,
                 .epoch = kEpoch,
                 .events = views});
    return out;
  }

  std::deque<StoredEvent> stored_;
  std::string origin_ = "https://hub.example";
};

TEST(AtomFeed, IsWrittenAsRfc4287Says) {
  const auto atom = Shown().add("text/plain", "a <b>").atom();
  const auto feed_id = ids_of(atom).front();

  EXPECT_EQ(atom,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n"
            "<id>" +
                feed_id +
                "</id>\n"
                "<title>news</title>\n"
                "<updated>2026-01-31T09:30:00Z</updated>\n"
                "<author><name>Carillon</name></author>\n"
                "<link rel=\"self\" href=\"https://hub.example/t/news/feed\"/>\n"
                "<link rel=\"alternate\" href=\"https://hub.example/t/news\"/>\n"
                "<entry>\n"
                "<id>urn:uuid:01950a3e-7d2c-7c4e-9f00-5b1c2d3e4f50</id>\n"
                "<title>carillon.event</title>\n"
                "<updated>2026-01-31T09:30:00Z</updated>\n"
                "<published>2026-01-31T09:30:00Z</published>\n"
                "<link rel=\"alternate\" href=\"https://hub.example/t/news/events/10-100\"/>\n"
                "<category term=\"carillon.event\"/>\n"
                "<content type=\"text\">a &lt;b&gt;</content>\n"
                "</entry>\n"
                "</feed>\n");
}

TEST(AtomFeed, OfAnEmptyTopicStillSaysWhenItWasUpdated) {
  const auto atom = Shown().atom();

  EXPECT_THAT(atom, HasSubstr("<updated>1970-01-01T00:00:00Z</updated>"));
  EXPECT_THAT(atom, Not(HasSubstr("<entry>")));
}

TEST(AtomFeed, IsAsNewAsItsNewestEventWhichComesFirst) {
  const auto atom = Shown().add("text/plain", "first").add("text/plain", "second").atom();

  EXPECT_LT(atom.find("<updated>2026-01-31T09:31:00Z"), atom.find("<entry>"));
  EXPECT_LT(atom.find("second"), atom.find("first"));
}

TEST(AtomFeed, TheTitleIsTheSubjectWhenThereIsOne) {
  const auto atom = Shown().add({.id = "1", .type = "order.made", .subject = "5 < 6"}).atom();

  EXPECT_THAT(atom, HasSubstr("<title>5 &lt; 6</title>"));
  EXPECT_THAT(atom, HasSubstr("<category term=\"order.made\"/>"));
}

TEST(AtomFeed, AnIdThatIsNoUuidOrOfAnotherSourceIsMadeFromTheEventsPlace) {
  const auto ids = ids_of(Shown().add("text/plain", "a", "42").atom());

  ASSERT_EQ(ids.size(), 2);  // the feed's and the entry's
  EXPECT_NE(ids[0], ids[1]);
  for (const auto& id : ids)
    EXPECT_THAT(
        id, MatchesRegex(
                "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(ids_of(Shown().add({.id = std::string(kUuid), .source = "/other", .type = "t"}).atom()),
            ids);
  EXPECT_EQ(ids_of(Shown().add("text/plain", "a", std::string(kUuid) + "0").atom()), ids);
}

// RFC 4287 section 4.2.6: an id never changes, by whatever name the hub is reached.
TEST(AtomFeed, IdsAreTheSameUnderEveryOrigin) {
  Shown shown;
  shown.add("text/plain", "a", "42").add("text/plain", "b", "43");

  const auto ids = ids_of(shown.atom());

  EXPECT_EQ(ids_of(shown.from("http://127.0.0.1:8080").atom()), ids);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 3);
}

TEST(AtomFeed, PublishedIsThePublishersTimeInTheSpellingThatFeedsDemand) {
  const Event event{.id = "1",
                    .source = "/t/news",
                    .type = "t",
                    .time = kFirst,
                    .time_text = "2026-01-01t01:00:00.5+01:00"};

  const auto atom = Shown().add(event).atom();

  EXPECT_THAT(atom, HasSubstr("<published>2026-01-01T00:00:00.500000Z</published>"));
  EXPECT_THAT(atom, HasSubstr("<updated>2026-01-31T09:30:00Z</updated>\n<published>"));
}

TEST(AtomFeed, JsonIsShownAsItsText) {
  const auto atom = Shown().add("application/json", R"({"a":"<&>"})").atom();

  EXPECT_THAT(
      atom,
      HasSubstr("<content type=\"text\">{&quot;a&quot;:&quot;&lt;&amp;&gt;&quot;}</content>"));
}

TEST(AtomFeed, BinaryDataIsLeftOutWithALinkToIt) {
  const auto atom = Shown().add("image/png", "\x89PNG").atom();

  EXPECT_THAT(atom, Not(HasSubstr("<content")));
  EXPECT_THAT(atom, HasSubstr("<summary>4 bytes of image/png</summary>\n"
                              "<link rel=\"enclosure\" length=\"4\" type=\"image/png\" "
                              "href=\"https://hub.example/t/news/events/10-100\"/>"));
  EXPECT_THAT(Shown().add("", "").atom(), HasSubstr("<summary>0 bytes</summary>"));
}

TEST(Feeds, NameTheHubOnlyWhenThereIsOne) {
  const auto shown = Shown().add("text/plain", "a");

  EXPECT_THAT(shown.atom(), Not(HasSubstr("rel=\"hub\"")));
  EXPECT_THAT(shown.atom("https://hub.example/hub?a&b"),
              HasSubstr("<link rel=\"hub\" href=\"https://hub.example/hub?a&amp;b\"/>"));
  EXPECT_FALSE(shown.json().as_object().contains("hubs"));
  const auto hubs = shown.json("https://hub.example/hub").at("hubs").as_array();
  ASSERT_EQ(hubs.size(), 1);
  EXPECT_EQ(hubs[0].at("type").as_string(), "WebSub");
  EXPECT_EQ(hubs[0].at("url").as_string(), "https://hub.example/hub");
}

TEST(JsonFeed, HasWhatVersion11Demands) {
  const auto feed =
      Shown().add("text/plain", "first").add("application/json", "{\"a\": \"\xc3\xa4\"}").json();

  EXPECT_EQ(feed.at("version").as_string(), "https://jsonfeed.org/version/1.1");
  EXPECT_EQ(feed.at("title").as_string(), "news");
  EXPECT_EQ(feed.at("home_page_url").as_string(), "https://hub.example/t/news");
  EXPECT_EQ(feed.at("feed_url").as_string(), "https://hub.example/t/news/feed");
  const auto& items = feed.at("items").as_array();
  ASSERT_EQ(items.size(), 2);
  EXPECT_EQ(items[0].at("content_text").as_string(), "{\"a\": \"\xc3\xa4\"}");
  EXPECT_EQ(items[1].at("content_text").as_string(), "first");
  EXPECT_EQ(items[1].at("id").as_string(), "urn:uuid:01950a3e-7d2c-7c4e-9f00-5b1c2d3e4f50");
  EXPECT_EQ(items[1].at("url").as_string(), "https://hub.example/t/news/events/10-100");
  EXPECT_EQ(items[1].at("title").as_string(), "carillon.event");
  EXPECT_EQ(items[1].at("date_published").as_string(), "2026-01-31T09:30:00Z");
  EXPECT_EQ(items[1].at("date_modified").as_string(), "2026-01-31T09:30:00Z");
  EXPECT_EQ(items[1].at("tags").as_array().at(0).as_string(), "carillon.event");
  EXPECT_FALSE(items[1].as_object().contains("attachments"));
}

TEST(JsonFeed, OfAnEmptyTopicHasNoItems) {
  EXPECT_TRUE(Shown().json().at("items").as_array().empty());
}

TEST(JsonFeed, BinaryDataIsAnAttachment) {
  const auto feed = Shown().add("image/png", "\x89PNG").add("", "").json();

  const auto& image = feed.at("items").as_array().at(1);
  EXPECT_EQ(image.at("content_text").as_string(), "4 bytes of image/png");
  const auto& attachment = image.at("attachments").as_array().at(0);
  EXPECT_EQ(attachment.at("url").as_string(), "https://hub.example/t/news/events/10-100");
  EXPECT_EQ(attachment.at("mime_type").as_string(), "image/png");
  EXPECT_EQ(attachment.at("size_in_bytes").as_int64(), 4);
  const auto& unknown = feed.at("items").as_array().at(0).at("attachments").as_array().at(0);
  EXPECT_EQ(unknown.at("mime_type").as_string(), "application/octet-stream");
}

// --- XML

std::string xml(std::string_view text) {
  std::string out;
  append_xml_text(out, text);
  return out;
}

TEST(XmlText, MarkupIsEscapedBetweenTagsAndQuotes) {
  EXPECT_EQ(xml("<a b=\"c\" d='e'>&amp;]]></a>"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;]]&gt;&lt;/a&gt;");
}

TEST(XmlText, WhatXmlCannotHoldIsReplaced) {
  using namespace std::string_literals;
  const std::string replaced = "\xef\xbf\xbd";

  EXPECT_EQ(xml("a\0b\x1b\x08"s), "a" + replaced + "b" + replaced + replaced);
  EXPECT_EQ(xml("\xef\xbf\xbe\xef\xbf\xbf"), replaced + replaced);
  EXPECT_EQ(xml("\t\n\x7f\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80"),
            "\t\n\x7f\xef\xbf\xbd\xf0\x9f\x98\x80\xc2\x80");
}

TEST(XmlText, ACarriageReturnSurvivesAParser) { EXPECT_EQ(xml("a\r\nb"), "a&#13;\nb"); }

RC_GTEST_PROP(XmlText, HoldsNoMarkupAndNoControlCharacter, (const std::string& text)) {
  const auto out = xml(text);

  for (const char c : out) {
    RC_ASSERT((c != '<' && c != '>' && c != '"' && c != '\''));
    RC_ASSERT((static_cast<uint8_t>(c) >= 0x20 || c == '\t' || c == '\n'));
  }
}

}  // namespace
}  // namespace carillon
