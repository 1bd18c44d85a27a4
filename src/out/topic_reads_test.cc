#include "out/topic_reads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/fake_event_door.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"
#include "wire/sse_parser.h"

namespace carillon {
namespace {

using std::chrono::seconds;
using Fields = std::vector<HeaderField>;

const std::string kToken = "0123456789abcdef-reader";

// The doors of one loop over a log on a fake disk, whose threads the test plays.
class TopicReadsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture_.open());
    config_.mode = HubMode::dev;
    begin();
  }
  void TearDown() override { pool_.run_all(); }

  void begin() {
    access_ = std::make_unique<Access>(config_);
    hub_ = std::make_unique<LocalHub>(fixture_.log(), pool_.pool(), mail_.post(), kMiB);
    fan_out_ = std::make_unique<FanOut>(loop_, *hub_, FanOut::Options{});
    sockets_ = std::make_unique<Sockets>(*fan_out_, door_, *access_, config_,
                                         Sockets::Chance{fixture_.clock, fixture_.random});
    reads_ = std::make_unique<TopicReads>(*fan_out_, *access_, config_, *sockets_);
    router_ = std::make_unique<Router>(gate_);
    reads_->add_routes(*router_);
  }
  // With a token that may read `topics` alone, and nothing for strangers but `public.*`.
  void close_to_strangers(const std::vector<std::string>& topics) {
    TokenConfig token{.token = kToken};
    for (const auto& topic : topics) token.subscribe.push_back(pattern_of(topic));
    config_.tokens = {token};
    config_.public_subscribe = {pattern_of("public.*")};
    reads_.reset();
    sockets_.reset();
    fan_out_.reset();
    hub_.reset();
    begin();
  }

  std::shared_ptr<FakeExchange> ask(const std::string& target, Fields fields = {},
                                    const std::string& method = "GET") {
    auto exchange = std::make_shared<FakeExchange>(loop_, method, target, std::move(fields));
    exchanges_.push_back(exchange);
    router_->begin(exchange);
    settle();
    return exchange;
  }
  std::shared_ptr<FakeExchange> ask_sse(const std::string& target, Fields fields = {}) {
    fields.push_back({"accept", "text/event-stream"});
    return ask(target, std::move(fields));
  }
  int status_of(const std::string& target, Fields fields = {}) {
    const auto exchange = ask(target, std::move(fields));
    return exchange->answered() ? exchange->response().status : 0;
  }
  void settle() {
    for (int idle = 0; idle < 2; ++idle) {
      pool_.run_all();
      bool moved = mail_.waiting() > 0;
      mail_.run_all();
      while (fan_out_->on_turn_end()) {
      }
      for (const auto& exchange : exchanges_) {
        if (exchange->stream() != nullptr) moved = exchange->stream()->tell_writable() || moved;
      }
      if (moved) idle = -1;
    }
  }
  Position publish(std::string_view topic, std::string_view data) {
    const auto done = fixture_.publish(topic, data);
    EXPECT_TRUE(done);
    settle();
    return done->last;
  }
  std::string cursor(Position position) const { return Cursor{hub_->epoch(), position}.text(); }

  FakeDisk disk_;
  LogFixture fixture_{disk_};
  Config config_;
  OpenGate gate_;
  Loop loop_{0};
  PlayedMail mail_;
  HeldPool pool_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<LocalHub> hub_;
  std::unique_ptr<FanOut> fan_out_;
  FakeEventDoor door_;
  std::unique_ptr<Sockets> sockets_;
  std::unique_ptr<TopicReads> reads_;
  std::unique_ptr<Router> router_;
  std::vector<std::shared_ptr<FakeExchange>> exchanges_;  // die before what their readers borrow
};

// What came as SSE: data of events, the names of other frames in brackets.
std::vector<std::string> words_of(const FakeExchange& exchange) {
  SseParser parser;
  std::vector<SseEvent> frames;
  std::string bytes = exchange.streamed();
  // Chunked over HTTP/1.1; these tests ask with HTTP/1.0 where they look inside.
  EXPECT_TRUE(parser.feed(bytes, frames));
  std::vector<std::string> words;
  for (const SseEvent& frame : frames)
    words.push_back(frame.type == "message" ? frame.data : "[" + frame.type + "]");
  return words;
}

using Words = std::vector<std::string>;

TEST_F(TopicReadsTest, ByDefaultATopicIsAPageOfJson) {
  publish("news", "one");

  const auto page = ask("/t/news");

  EXPECT_EQ(page->response().status, 200);
  EXPECT_EQ(page->field("content-type"), "application/json");
  EXPECT_EQ(page->field("carillon-cursor"), cursor(hub_->tail().end()));
  EXPECT_NE(page->response().body.find(R"("data":"one")"), std::string::npos);
}

TEST_F(TopicReadsTest, ATopicWithoutEventsIsThereAndEmpty) {
  const auto page = ask("/t/nobody");

  EXPECT_EQ(page->response().status, 200);
  EXPECT_TRUE(page->response().body.starts_with("{\"events\":[]"));
}

TEST_F(TopicReadsTest, TheAcceptFieldChoosesPageStreamOrHtml) {
  EXPECT_EQ(ask("/t/news", {{"accept", "text/html"}})->field("content-type"),
            "text/html; charset=utf-8");
  EXPECT_EQ(ask_sse("/t/news")->field("content-type"), "text/event-stream");
  EXPECT_EQ(ask("/t/news", {{"accept", "*/*"}})->field("content-type"), "application/json");
  EXPECT_EQ(status_of("/t/news", {{"accept", "image/png"}}), 406);
}

TEST_F(TopicReadsTest, ThePageThatTheReaderHasIsNotSentAgain) {
  publish("news", "one");
  const auto tag = ask("/t/news")->field("etag");

  EXPECT_EQ(status_of("/t/news", {{"if-none-match", tag}}), 304);
  publish("news", "two");
  EXPECT_EQ(status_of("/t/news", {{"if-none-match", tag}}), 200);
}

TEST_F(TopicReadsTest, BadTopicsCursorsAndOptionsAreRefusedByName) {
  const auto problem = [&](const std::string& target) { return ask(target)->response().body; };

  EXPECT_NE(problem("/t/a..b").find("bad-topic"), std::string::npos);
  EXPECT_NE(problem("/t/a.*").find("bad-topic"), std::string::npos) << "patterns are for /stream";
  EXPECT_NE(problem("/t/news?after=yesterday").find("bad-cursor"), std::string::npos);
  EXPECT_NE(problem("/t/news?limit=0").find("bad-request"), std::string::npos);
  EXPECT_NE(problem("/stream").find("bad-request"), std::string::npos);
  EXPECT_NE(problem("/t/news/events/what").find("bad-cursor"), std::string::npos);
}

TEST_F(TopicReadsTest, WhoMayNotReadIsToldWhy) {
  close_to_strangers({"orders.*"});
  const Fields token = {{"authorization", "Bearer " + kToken}};

  for (const char* path : {"", "/tail", "/latest", "/events/1-1", "/feed.atom", "/feed.json"}) {
    EXPECT_EQ(status_of("/t/orders.a" + std::string(path)), 401) << path;
    EXPECT_EQ(status_of("/t/news" + std::string(path), token), 403) << path;
    EXPECT_EQ(status_of("/t/orders.a" + std::string(path), {{"authorization", "Bearer no"}}), 401);
  }
  EXPECT_EQ(status_of("/t/orders.a", token), 200);
  EXPECT_EQ(status_of("/t/public.a"), 200);
  EXPECT_EQ(status_of("/t/public.a", {{"authorization", "Bearer no"}}), 401);
  EXPECT_EQ(status_of("/stream?topic=orders.*", token), 200);
  EXPECT_EQ(status_of("/stream?topic=orders.*&topic=news", token), 403);
  EXPECT_EQ(status_of("/stream?topic=**", token), 403) << "wider is never cut to a part";
}

TEST_F(TopicReadsTest, AnExpiredCursorIs410WithTheUrlThatGoesOn) {
  const Position one = publish("news", "one");
  const Position two = publish("news", "two");
  ASSERT_TRUE(fixture_.trim("news", two));
  settle();

  const auto gone = ask("/t/news?after=" + cursor(Position{one.value - 1}));

  EXPECT_EQ(gone->response().status, 410);
  const auto& body = gone->response().body;
  const auto from = body.find("\"continue\":\"") + 12;
  const auto next = ask(body.substr(from, body.find('"', from) - from));
  EXPECT_EQ(next->response().status, 200);
  EXPECT_NE(next->response().body.find("\"gap\":"), std::string::npos);
  EXPECT_NE(next->response().body.find(R"("data":"two")"), std::string::npos);
}

TEST_F(TopicReadsTest, ALongPollWaitsForItsEventAndIsAnsweredOnce) {
  const auto poll = ask("/t/news?wait=25");
  EXPECT_FALSE(poll->answered());
  EXPECT_NE(poll->description().find("long-poll"), std::string::npos);

  publish("news", "one");

  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->response().status, 200);
  EXPECT_NE(poll->response().body.find(R"("data":"one")"), std::string::npos);
  publish("news", "two");
  EXPECT_EQ(poll->answers(), 1);
}

TEST_F(TopicReadsTest, ALongPollWithNothingNewIs204WithACursorThatHasMovedOn) {
  const auto poll = ask("/t/news?wait=5");
  const Position other = publish("other", "no");

  fan_out_->on_sweep(loop_.now() + seconds(5));

  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->response().status, 204);
  EXPECT_EQ(poll->field("carillon-cursor"), cursor(other));
  EXPECT_EQ(poll->response().body, "");
}

TEST_F(TopicReadsTest, ALongPollWhoseClientLeftIsForgotten) {
  const auto poll = ask("/t/news?wait=25");

  poll->lose_client();
  publish("news", "one");
  fan_out_->on_sweep(loop_.now() + seconds(60));

  EXPECT_EQ(poll->answers(), 0);
}

TEST_F(TopicReadsTest, AWaitOfZeroSecondsIsAnsweredAtOnce) {
  const auto poll = ask("/t/news?wait=0");

  ASSERT_TRUE(poll->answered());
  EXPECT_EQ(poll->response().status, 204);
}

// Asks for a stream by HTTP/1.0, whose bytes are plain.
class TopicStreams : public TopicReadsTest {
 protected:
  std::shared_ptr<FakeExchange> stream(const std::string& target, Fields fields = {}) {
    fields.push_back({"accept", "text/event-stream"});
    auto exchange = std::make_shared<FakeExchange>(loop_, "GET", target, std::move(fields));
    exchange->set_http_minor(0);
    exchanges_.push_back(exchange);
    router_->begin(exchange);
    settle();
    return exchange;
  }
};

TEST_F(TopicStreams, BeginWithTheRetryTimeAndTheirCursorThenFollow) {
  publish("news", "before");
  const auto live = stream("/t/news");
  publish("news", "after");

  EXPECT_TRUE(live->streamed().starts_with("retry: 2000\n\nevent: carillon.cursor\n"));
  EXPECT_EQ(words_of(*live), (Words{"[carillon.cursor]", "after"}));
  EXPECT_EQ(live->field("cache-control"), "no-store");
  EXPECT_EQ(live->field("x-accel-buffering"), "no");
}

TEST_F(TopicStreams, ResumeBehindTheLastEventIdWhateverAfterSays) {
  const Position one = publish("news", "one");
  publish("news", "two");

  const auto resumed = stream("/t/news?after=first", {{"last-event-id", cursor(one)}});

  EXPECT_EQ(words_of(*resumed), (Words{"[carillon.cursor]", "two"}));
}

TEST_F(TopicStreams, ReplayFromTheFirstAndFromTheNewest) {
  for (const char* data : {"1", "2", "3"}) publish("news", data);

  EXPECT_EQ(words_of(*stream("/t/news?after=first")), (Words{"[carillon.cursor]", "1", "2", "3"}));
  EXPECT_EQ(words_of(*stream("/t/news?after=-2")), (Words{"[carillon.cursor]", "2", "3"}));
}

TEST_F(TopicStreams, ALastEventIdNobodyGaveIsAGapAndNotTheEndOfAnEventSource) {
  publish("news", "one");

  const auto lost = stream("/t/news", {{"last-event-id", "what"}});

  EXPECT_EQ(lost->response().status, 200);
  EXPECT_EQ(words_of(*lost), (Words{"[carillon.cursor]", "[carillon.gap]", "one"}));
}

TEST_F(TopicStreams, SeveralTopicsComeInOneOrder) {
  const auto both = stream("/stream?topic=b.*&topic=a");
  publish("a", "1");
  publish("b.x", "2");
  publish("c", "no");
  publish("a", "3");

  EXPECT_EQ(words_of(*both), (Words{"[carillon.cursor]", "1", "2", "3"}));
}

TEST_F(TopicStreams, WaitForTheAnswersBeforeThem) {
  auto exchange = std::make_shared<FakeExchange>(loop_, "GET", "/t/news",
                                                 Fields{{"accept", "text/event-stream"}});
  exchange->hold();
  exchanges_.push_back(exchange);
  router_->begin(exchange);
  settle();
  EXPECT_FALSE(exchange->answered());

  exchange->become_due();
  settle();

  EXPECT_TRUE(exchange->answered());
}

TEST_F(TopicStreams, AHeadRequestGetsTheHeadAndLeavesNoReader) {
  const auto head = ask("/t/news", {{"accept", "text/event-stream"}}, "HEAD");

  EXPECT_EQ(head->field("content-type"), "text/event-stream");
  EXPECT_EQ(fan_out_->readers(), 0U);
}

TEST_F(TopicReadsTest, ATailIsLinesOfEventsOrOfData) {
  const auto events = ask("/t/news/tail");
  const auto data = ask("/t/news/tail", {{"accept", "text/plain"}});
  publish("news", "one");

  EXPECT_EQ(events->field("content-type"), "application/x-ndjson");
  EXPECT_EQ(data->field("content-type"), "text/plain; charset=utf-8");
  EXPECT_NE(events->streamed().find(R"("data":"one")"), std::string::npos);
  EXPECT_TRUE(data->streamed().ends_with("one\n\r\n")) << data->streamed();
}

TEST_F(TopicReadsTest, RawLinesHaveNoWordForAGapAndAreRefusedAtTheStart) {
  publish("news", "one");
  const Fields raw = {{"accept", "text/plain"}};

  EXPECT_EQ(status_of("/t/news/tail?after=zz-5", raw), 410);
  EXPECT_EQ(status_of("/t/news/tail?after=zz-5"), 200);
}

TEST_F(TopicReadsTest, SingleEventsAndFeedsAreReached) {
  const Position one = publish("news", "one");

  EXPECT_EQ(ask("/t/news/latest")->response().body, "one");
  EXPECT_EQ(ask("/t/news/events/" + cursor(one))->response().body, "one");
  EXPECT_EQ(ask("/t/news/latest?as=cloudevents")->field("content-type"),
            "application/cloudevents+json");
  EXPECT_EQ(ask("/t/news/feed.atom", {{"host", "hub"}})->field("content-type"),
            "application/atom+xml");
  EXPECT_NE(ask("/t/news/feed.json", {{"host", "hub"}})
                ->response()
                .body.find("http://hub/t/news/feed.json"),
            std::string::npos);
}

}  // namespace
}  // namespace carillon
