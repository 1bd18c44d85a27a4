#include "out/stream_form.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "testing/stored_event.h"
#include "wire/chunked.h"
#include "wire/cloudevents.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::milliseconds;

constexpr Epoch kEpoch{36};  // `10` in base 36
constexpr Cursor kCursor{kEpoch, Position{7}};
constexpr std::array kKinds = {StreamKind::sse, StreamKind::sse_cloudevents, StreamKind::json_lines,
                               StreamKind::json_lines_base64, StreamKind::raw_lines};

StreamForm plain(StreamKind kind) { return {.kind = kind, .framing = StreamFraming::plain}; }

StoredEvent stored(std::string_view data, std::string_view content_type = "text/plain") {
  Event event{.id = "e1",
              .type = std::string(kDefaultType),
              .data_content_type = std::string(content_type),
              .data = std::string(data)};
  set_data_form(event);
  return StoredEvent(event, "news", Position{7}, WallTime());
}

std::string event_in(StreamKind kind, const StoredEvent& event) {
  std::string out;
  append_event_frame(out, plain(kind), event.view(), kEpoch);
  return out;
}

std::vector<SseEvent> read_sse(std::string_view bytes) {
  SseParser parser;
  std::vector<SseEvent> events;
  EXPECT_TRUE(parser.feed(bytes, events));
  return events;
}

TEST(StreamForm, SseCarriesTheDataAndLinesCarryTheEvent) {
  const auto event = stored("hello");

  EXPECT_EQ(event_in(StreamKind::sse, event), "id: 10-7\ndata: hello\n\n");
  EXPECT_EQ(event_in(StreamKind::raw_lines, event), "hello\n");
  const auto line = event_in(StreamKind::json_lines, event);
  EXPECT_NE(line.find(R"("data":"hello")"), std::string::npos);
  EXPECT_NE(line.find(R"("cursor":"10-7")"), std::string::npos);
  EXPECT_NE(event_in(StreamKind::json_lines_base64, event).find(R"("data_base64":"aGVsbG8=")"),
            std::string::npos);
}

TEST(StreamForm, AnEnvelopeOverSseIsTheSameJsonAsALine) {
  const auto event = stored("hello");
  auto line = event_in(StreamKind::json_lines, event);
  line.pop_back();

  const auto read = read_sse(event_in(StreamKind::sse_cloudevents, event));

  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].data, line);
  EXPECT_EQ(read[0].last_event_id, "10-7");
}

TEST(StreamForm, AJsonLineIsOneLineWhateverTheDataHolds) {
  for (const auto& event : {stored("a\nb\r\nc"), stored("{\"a\":\n1}", "application/json"),
                            stored("\n\n", "application/octet-stream")}) {
    for (const auto kind : {StreamKind::json_lines, StreamKind::json_lines_base64}) {
      const auto line = event_in(kind, event);
      EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
      EXPECT_EQ(line.find('\r'), std::string::npos) << line;
    }
  }
}

TEST(StreamForm, ACursorFrameMovesTheIdAndIsNoEventToOnmessage) {
  std::string out;
  append_cursor_frame(out, plain(StreamKind::sse), kCursor);

  const auto read = read_sse(out);

  EXPECT_EQ(out, "event: carillon.cursor\nid: 10-7\ndata:\n\n");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].type, "carillon.cursor");
  EXPECT_EQ(read[0].last_event_id, "10-7");
}

TEST(StreamForm, InLinesTheHubsOwnWordsAreEventsOfTheirType) {
  std::string cursor;
  std::string gap;
  std::string bye;
  append_cursor_frame(cursor, plain(StreamKind::json_lines), kCursor);
  append_gap_frame(gap, plain(StreamKind::json_lines), kCursor, R"({"reason":"expired"})");
  append_bye_frame(bye, plain(StreamKind::json_lines), milliseconds(1'500));

  EXPECT_EQ(cursor, R"({"specversion":"1.0","id":"10-7","source":"/hub","type":"carillon.cursor",)"
                    R"("cursor":"10-7"})"
                    "\n");
  EXPECT_EQ(gap,
            R"({"specversion":"1.0","id":"10-7","source":"/hub","type":"carillon.gap",)"
            R"("cursor":"10-7","datacontenttype":"application/json","data":{"reason":"expired"}})"
            "\n");
  EXPECT_NE(bye.find(R"("type":"carillon.bye")"), std::string::npos);
  EXPECT_NE(bye.find(R"("data":{"retry_ms":1500})"), std::string::npos);
}

TEST(StreamForm, AGapOverSseMovesTheIdToWhereTheReaderGoesOn) {
  std::string out;
  append_gap_frame(out, plain(StreamKind::sse), kCursor, R"({"reason":"expired"})");

  const auto read = read_sse(out);

  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0], (SseEvent{.last_event_id = "10-7",
                               .type = "carillon.gap",
                               .data = R"({"reason":"expired"})"}));
}

TEST(StreamForm, AByeOverSseSaysWhenToComeBackToTheClientAndToTheBrowser) {
  std::string out;
  append_bye_frame(out, plain(StreamKind::sse), milliseconds(1'500));

  SseParser parser;
  std::vector<SseEvent> read;
  ASSERT_TRUE(parser.feed(out, read));

  EXPECT_EQ(parser.retry(), milliseconds(1'500));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].type, "carillon.bye");
  EXPECT_EQ(read[0].data, R"({"retry_ms":1500})");
}

TEST(StreamForm, RawLinesHaveNoWordsOfTheHub) {
  std::string out;
  append_cursor_frame(out, plain(StreamKind::raw_lines), kCursor);
  append_gap_frame(out, plain(StreamKind::raw_lines), kCursor, "{}");
  append_bye_frame(out, plain(StreamKind::raw_lines), milliseconds(1'000));
  append_retry_frame(out, plain(StreamKind::raw_lines), milliseconds(1'000));

  EXPECT_EQ(out, "");
}

TEST(StreamForm, OnlySseHasARetryField) {
  std::string out;
  append_retry_frame(out, plain(StreamKind::json_lines), milliseconds(2'000));
  EXPECT_EQ(out, "");

  append_retry_frame(out, plain(StreamKind::sse), milliseconds(2'000));
  EXPECT_EQ(out, "retry: 2000\n\n");
}

// All kinds of frames of one form, one behind the other.
std::string all_frames(StreamForm form) {
  std::string out;
  append_retry_frame(out, form, milliseconds(2'000));
  append_cursor_frame(out, form, kCursor);
  append_event_frame(out, form, stored("hello").view(), kEpoch);
  append_event_frame(out, form, stored(std::string(5'000, 'x')).view(), kEpoch);
  append_gap_frame(out, form, kCursor, "{}");
  append_bye_frame(out, form, milliseconds(1'000));
  return out;
}

TEST(StreamForm, ChunkedFramesDecodeToThePlainOnes) {
  for (const StreamKind kind : kKinds) {
    const auto chunked = all_frames({.kind = kind, .framing = StreamFraming::chunked});
    ChunkedDecoder decoder;
    std::string body;
    std::string_view rest = chunked;
    while (!rest.empty()) {
      const auto fed = decoder.feed(rest);
      ASSERT_TRUE(fed);
      body += fed->data;
      rest.remove_prefix(fed->consumed);
    }

    EXPECT_EQ(body, all_frames(plain(kind)));
    EXPECT_FALSE(decoder.done()) << "a frame ended the body: an empty chunk is the last one";
  }
}

TEST(StreamForm, EveryKindHasItsContentTypeAndProtocol) {
  EXPECT_EQ(content_type_of(plain(StreamKind::sse)), "text/event-stream");
  EXPECT_EQ(content_type_of(plain(StreamKind::sse_cloudevents)), "text/event-stream");
  EXPECT_EQ(content_type_of(plain(StreamKind::json_lines)), "application/x-ndjson");
  EXPECT_EQ(content_type_of(plain(StreamKind::json_lines_base64)), "application/x-ndjson");
  EXPECT_EQ(content_type_of(plain(StreamKind::raw_lines)), "text/plain; charset=utf-8");
  EXPECT_EQ(protocol_name_of(plain(StreamKind::sse)), "sse");
  EXPECT_EQ(protocol_name_of(plain(StreamKind::raw_lines)), "tail");
}

}  // namespace
}  // namespace carillon
