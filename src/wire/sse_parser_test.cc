#include "wire/sse_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Feeds `stream` in pieces of `step`.
std::vector<SseEvent> read(std::string_view stream, size_t step) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (size_t at = 0; at < stream.size(); at += step) {
    EXPECT_TRUE(parser.feed(stream.substr(at, step), events));
  }
  return events;
}

std::vector<std::string> data_of(std::string_view stream) {
  const auto whole = read(stream, stream.size());
  for (const size_t step : {1, 2, 3}) EXPECT_EQ(read(stream, step), whole) << stream;
  std::vector<std::string> data;
  for (const auto& event : whole) data.push_back(event.data);
  return data;
}

SseEvent only_event(std::string_view stream) {
  const auto events = read(stream, 1);
  EXPECT_EQ(events.size(), 1) << stream;
  return events.empty() ? SseEvent{} : events[0];
}

TEST(SseParser, TheExamplesOfTheStandardAreRead) {
  EXPECT_THAT(
      data_of("data: This is the first message.\n\ndata: This is the second message, it\n"
              "data: has two lines.\n\ndata: This is the third message.\n\n"),
      ElementsAre("This is the first message.", "This is the second message, it\nhas two lines.",
                  "This is the third message."));
  EXPECT_THAT(data_of(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                      "data:  third event\n\n"),
              ElementsAre("first event", "second event", " third event"));
  EXPECT_THAT(data_of("data\n\ndata\ndata\n\ndata:"), ElementsAre("", "\n"));
  EXPECT_THAT(data_of("data:test\n\ndata: test\n\n"), ElementsAre("test", "test"));
}

TEST(SseParser, CrLfAndCrlfEndLinesAsB42Says) {
  EXPECT_THAT(data_of("data: a\rdata: b\r\ndata: c\n\r\n"), ElementsAre("a\nb\nc"));
  EXPECT_THAT(data_of("data: a\r\rdata: b\r\n\r\ndata: c\n\n"), ElementsAre("a", "b", "c"));
}

TEST(SseParser, ACrAtTheEndOfOneReadAndItsLfInTheNextAreOneLineEnd) {
  SseParser parser;
  std::vector<SseEvent> events;

  ASSERT_TRUE(parser.feed("data: a\r", events));
  ASSERT_TRUE(parser.feed("\ndata: b\r", events));
  ASSERT_TRUE(parser.feed("", events));
  ASSERT_TRUE(parser.feed("\n\r", events));

  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].data, "a\nb");
}

TEST(SseParser, AByteOrderMarkIsStrippedOnceEvenIfItIsCutAsB41Says) {
  EXPECT_THAT(data_of("\xef\xbb\xbf"
                      "data: a\n\n"),
              ElementsAre("a"));
  EXPECT_THAT(data_of("\xef\xbb\xbf\xef\xbb\xbf"
                      "data: a\n\n"),
              IsEmpty());
  EXPECT_THAT(data_of("\n\xef\xbb\xbf"
                      "data: a\n\n"),
              IsEmpty());
}

TEST(SseParser, WhatIsNotUtf8IsReplacedAsTheEncodingStandardSays) {
  EXPECT_THAT(data_of("data: a\xff"
                      "b\n\n"),
              ElementsAre("a\xef\xbf\xbd"
                          "b"));
  // One replacement for the longest front of a sequence: E2 82 is one, F0 80 80 are three.
  EXPECT_THAT(data_of("data: \xe2\x82"
                      "b\n\n"),
              ElementsAre("\xef\xbf\xbd"
                          "b"));
  EXPECT_THAT(data_of("data: \xf0\x80\x80\n\n"),
              ElementsAre("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
  EXPECT_THAT(data_of("data: \xf0\x9f\x98\n\n"), ElementsAre("\xef\xbf\xbd"));
  EXPECT_THAT(data_of("data: \xed\xa0\x80\n\n"),
              ElementsAre("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
  EXPECT_THAT(data_of("data: \xf0\x9f\x98\x80\xc3\xa4\n\n"),
              ElementsAre("\xf0\x9f\x98\x80\xc3\xa4"));
}

TEST(SseParser, FieldsAreReadAsB43Says) {
  EXPECT_THAT(data_of("Data: a\n data: b\ndata : c\nother: d\n: comment\n:\ndata: e\n\n"),
              ElementsAre("e"));
  EXPECT_EQ(only_event("event: a\nevent: b\ndata: x\n\n").type, "b");
  EXPECT_EQ(only_event("event\ndata: x\n\n").type, "message");
  EXPECT_EQ(only_event("data: a: b\n\n").data, "a: b");
}

TEST(SseParser, TypeAndDataEndWithTheirBlockButTheIdStaysAsB44Says) {
  const auto events = read("id: 1\nevent: a\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", 3);

  EXPECT_THAT(events, ElementsAre(SseEvent{"1", "a", "x"}, SseEvent{"1", "message", "y"},
                                  SseEvent{"", "message", "z"}));
}

TEST(SseParser, ABlockWithoutDataIsNoEventButItsIdCounts) {
  SseParser parser;
  std::vector<SseEvent> events;

  ASSERT_TRUE(parser.feed("event: a\nid: 7\n\n", events));

  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(parser.last_event_id(), "7");
}

TEST(SseParser, AnUnfinishedBlockIsNoEventAndItsIdDoesNotCount) {
  SseParser parser;
  std::vector<SseEvent> events;

  ASSERT_TRUE(parser.feed("id: 1\ndata: a\n\nid: 2\ndata: b\n", events));

  EXPECT_EQ(events.size(), 1);
  EXPECT_EQ(parser.last_event_id(), "1");
}

TEST(SseParser, AnIdWithNulIsIgnored) {
  using namespace std::string_literals;
  EXPECT_EQ(only_event("id: 1\nid: 2\0\ndata: a\n\n"s).last_event_id, "1");
}

TEST(SseParser, RetryIsTakenWhenItIsDigitsOnly) {
  SseParser parser;
  std::vector<SseEvent> events;
  EXPECT_EQ(parser.retry(), std::nullopt);

  ASSERT_TRUE(parser.feed("retry: 2500\n", events));
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(2500));

  ASSERT_TRUE(parser.feed("retry: 1s\nretry: -1\nretry:\nretry: 99999999999999999999\n", events));
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(2500));
}

TEST(SseParser, ALineOverItsBoundFailsAndMemoryStaysFlatAsB46Says) {
  SseParser parser(100);
  std::vector<SseEvent> events;

  EXPECT_TRUE(parser.feed("data: " + std::string(94, 'a'), events));
  const auto fed = parser.feed("a", events);

  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Errc::too_large);
}

TEST(SseParser, AnEventOfManyLinesOverItsBoundFails) {
  SseParser parser(100);
  std::vector<SseEvent> events;

  auto fed = Result<>();
  for (int i = 0; i < 200 && fed; ++i) fed = parser.feed("data: 12345\n", events);

  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Errc::too_large);
}

TEST(SseParser, ManyEventsWithinTheBoundAreFine) {
  SseParser parser(100);
  std::vector<SseEvent> events;

  for (int i = 0; i < 200; ++i) ASSERT_TRUE(parser.feed("data: 12345\n\n", events));

  EXPECT_EQ(events.size(), 200);
}

TEST(SseParser, TheContentTypeIsComparedWithoutParametersAndCaseAsB45Says) {
  EXPECT_TRUE(is_event_stream("text/event-stream"));
  EXPECT_TRUE(is_event_stream("Text/Event-Stream ; charset=utf-8"));
  EXPECT_FALSE(is_event_stream("text/event-streams"));
  EXPECT_FALSE(is_event_stream("text/html"));
  EXPECT_FALSE(is_event_stream(""));
}

RC_GTEST_PROP(SseParser, EventsDoNotDependOnHowTheStreamIsCut, ()) {
  const std::vector<std::string> words = {
      "data", "id",           "event", "retry",    ":",
      " ",    "\n",           "\r",    "\r\n",     "\n\n",
      "a",    "\xef\xbb\xbf", "\xff",  "\xe2\x82", "\xf0\x9f\x98\x80"};
  std::string stream;
  for (const auto& word :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words))) {
    stream += word;
  }
  const auto step = *rc::gen::inRange<size_t>(1, 10);

  RC_ASSERT(read(stream, step) == read(stream, stream.size() + 1));
}

}  // namespace
}  // namespace carillon
