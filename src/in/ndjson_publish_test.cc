#include "in/ndjson_publish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/check.h"
#include "base/limits.h"
#include "testing/fake_disk.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Hands the body over when the test says, and hears when it may go on.
class PiecewiseExchange : public FakeExchange {
 public:
  explicit PiecewiseExchange(Loop& loop) : FakeExchange(loop, "POST", "/t/a") { set_body(""); }
  void stream_body(std::unique_ptr<BodySink> given) override { sink = std::move(given); }
  void resume_body() override { ++resumed; }

  std::unique_ptr<BodySink> sink;
  int resumed = 0;
};

Log& opened(LogFixture& log) {
  CHECK(log.open().has_value());
  return log.log();
}

// One hub and one publish to topic `a`.
struct Publishing {
  explicit Publishing(bool structured = false)
      : hub(opened(log), pool, mail.post(), 1 << 20),
        exchange(std::make_shared<PiecewiseExchange>(loop)) {
    NdjsonPublish::start(exchange, hub, {"a", structured, log.clock, random});
  }

  // The sink holds its exchange, and here the exchange keeps the sink.
  ~Publishing() { exchange->sink.reset(); }

  bool feed(std::string_view bytes) { return exchange->sink->on_body(bytes); }
  // The body's end, and every sync that it waits for.
  void end() {
    exchange->sink->on_body_end();
    settle();
  }
  void settle() {
    for (int turn = 0; turn < 50; ++turn) {
      hub.hand_over();
      log.commit_all();
      mail.run_all();
    }
  }
  std::vector<std::string> stored() { return log.read_topic("a"); }

  FakeDisk disk;
  LogFixture log{disk};
  ReadPool pool{1};
  PlayedMail mail;
  Loop loop{0};
  SeededRandom random{3};
  LocalHub hub;
  std::shared_ptr<PiecewiseExchange> exchange;
};

TEST(NdjsonPublish, EachLineIsAnEvent) {
  Publishing publishing;
  publishing.feed("{\"n\":1}\n[2]\r\n\"three\"\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 201);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("count":3)"));
  EXPECT_THAT(publishing.stored(), ElementsAre("{\"n\":1}", "[2]", "\"three\""));
}

TEST(NdjsonPublish, BlankLinesAreNoEvents) {
  Publishing publishing;
  publishing.feed("\n1\n \t\r\n\n2\n");
  publishing.end();

  EXPECT_THAT(publishing.stored(), ElementsAre("1", "2"));
}

TEST(NdjsonPublish, AnUnfinishedLastLineIsDropped) {
  Publishing publishing;
  publishing.feed("1\n2");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 201);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("count":1)"));
  EXPECT_THAT(publishing.stored(), ElementsAre("1"));
}

TEST(NdjsonPublish, AnEmptyBodyStoresNothing) {
  Publishing publishing;
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 201);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("count":0)"));
}

TEST(NdjsonPublish, ABadLineEndsItAndTheAnswerSaysWhatIsStored) {
  Publishing publishing;
  publishing.feed("1\n2\n{bad\n4\n");
  publishing.feed("5\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 400);
  EXPECT_THAT(
      publishing.exchange->response().body,
      AllOf(HasSubstr("/problems/bad-json"), HasSubstr("line 3:"), HasSubstr(R"("stored":2)"),
            HasSubstr(
                R"("cursor":")" +
                Cursor{publishing.log.log().epoch(), publishing.log.log().durable_end()}.text())));
  EXPECT_THAT(publishing.stored(), ElementsAre("1", "2"));
}

TEST(NdjsonPublish, ABadFirstLineStoresNothing) {
  Publishing publishing;
  publishing.feed("nope\n2\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 400);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("stored":0)"));
  EXPECT_THAT(publishing.stored(), IsEmpty());
}

TEST(NdjsonPublish, WhileABatchIsSyncedNoMoreIsRead) {
  Publishing publishing;

  EXPECT_FALSE(publishing.feed("1\n"));
  EXPECT_EQ(publishing.exchange->resumed, 0);
  publishing.settle();

  EXPECT_EQ(publishing.exchange->resumed, 1);
  EXPECT_THAT(publishing.stored(), ElementsAre("1"));
  EXPECT_FALSE(publishing.exchange->answered());
  EXPECT_TRUE(publishing.feed("2"));
  EXPECT_FALSE(publishing.feed("\n"));
}

TEST(NdjsonPublish, MoreLinesThanOneBatchTakesAreAllStoredInOrder) {
  Publishing publishing;
  std::string body;
  std::vector<std::string> expected;
  for (int i = 0; i < 2'500; ++i) {
    expected.push_back(std::to_string(i));
    body += expected.back() + "\n";
  }
  publishing.feed(body);
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 201);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("count":2500)"));
  EXPECT_EQ(publishing.stored(), expected);
}

TEST(NdjsonPublish, ALineThatNeverEndsIsRefused) {
  Publishing publishing;
  publishing.feed("1\n");
  publishing.settle();
  const std::string piece(kMiB / 2, '[');
  for (int i = 0; i < 5; ++i) publishing.feed(piece);
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 413);
  EXPECT_THAT(publishing.exchange->response().body,
              AllOf(HasSubstr("line 2"), HasSubstr(R"("stored":1)")));
}

TEST(NdjsonPublish, AnEventBeyondOneMebibyteIsRefusedByItsLine) {
  Publishing publishing;
  publishing.feed("\"" + std::string(kEventBytesMax, 'x') + "\"\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 413);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr("line 1:"));
}

TEST(NdjsonPublish, StructuredLinesAreWholeEventsAndRepeatsAreCounted) {
  Publishing publishing(true);
  const std::string one = R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x"})"
                          "\n";
  publishing.feed(one);
  publishing.settle();
  publishing.feed(one);
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 201);
  EXPECT_THAT(publishing.exchange->response().body,
              AllOf(HasSubstr(R"("count":1)"), HasSubstr(R"("repeated":1)")));
  EXPECT_THAT(publishing.stored(), SizeIs(1));
}

TEST(NdjsonPublish, LinesThatAreAllRepeatsAreNotAnsweredWithTheCursorBeforeEverything) {
  const std::string one = R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":"x"})"
                          "\n";
  Publishing publishing(true);
  publishing.feed(one);
  publishing.end();
  publishing.exchange->sink.reset();
  auto again = std::make_shared<PiecewiseExchange>(publishing.loop);
  std::swap(publishing.exchange, again);
  NdjsonPublish::start(publishing.exchange, publishing.hub,
                       {"a", true, publishing.log.clock, publishing.random});

  publishing.feed(one);
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 200);
  EXPECT_THAT(publishing.exchange->response().body, Not(HasSubstr("-0\"")));
}

TEST(NdjsonPublish, AStructuredLineWithoutItsAttributesIsRefused) {
  Publishing publishing(true);
  publishing.feed("{\"n\":1}\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 400);
  EXPECT_THAT(publishing.exchange->response().body,
              AllOf(HasSubstr("/problems/bad-event"), HasSubstr("line 1:")));
}

TEST(NdjsonPublish, AClientThatGoesAwayLeavesItsWholeLinesStored) {
  Publishing publishing;
  publishing.feed("1\n2\n3");
  publishing.exchange->sink->on_body_gone();
  publishing.settle();

  EXPECT_FALSE(publishing.exchange->answered());
  EXPECT_THAT(publishing.stored(), ElementsAre("1", "2"));
}

TEST(NdjsonPublish, AFailedSyncEndsItAndClaimsNothing) {
  Publishing publishing;
  publishing.feed("1\n");
  publishing.settle();
  publishing.disk.refuse(DiskCall::sync, Errc::io);
  publishing.disk.refuse(DiskCall::write, Errc::io);
  publishing.feed("2\n");
  publishing.end();

  EXPECT_EQ(publishing.exchange->response().status, 500);
  EXPECT_THAT(publishing.exchange->response().body, HasSubstr(R"("stored":1)"));
}

RC_GTEST_PROP(NdjsonPublish, HowTheBodyIsCutMakesNoDifference, ()) {
  const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1'000'000));
  std::string body;
  std::vector<std::string> expected;
  for (const int number : numbers) {
    expected.push_back(std::to_string(number));
    body += expected.back() + (number % 2 == 0 ? "\n" : "\r\n");
  }
  Publishing publishing;

  Pieces pieces(body);
  while (const auto piece = pieces.next()) {
    if (!publishing.feed(*piece)) publishing.settle();
  }
  publishing.end();

  RC_ASSERT(publishing.exchange->response().status == 201);
  RC_ASSERT(publishing.stored() == expected);
}

}  // namespace
}  // namespace carillon
