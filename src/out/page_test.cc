#include "out/page.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using std::chrono::seconds;
using Kind = AfterOption::Kind;
using Words = std::vector<std::string>;

// The data of the events in a page, in order.
Words words_of(const Page& page) {
  constexpr std::string_view kMember = "\"data\":\"";
  Words words;
  for (size_t at = page.events.find(kMember); at != std::string::npos;
       at = page.events.find(kMember, at)) {
    at += kMember.size();
    words.push_back(page.events.substr(at, page.events.find('"', at) - at));
  }
  return words;
}

class PageTest : public testing::Test {
 protected:
  PageTest() : fixture_(disk_) {
    fixture_.settings = [](std::string_view topic) {
      TopicSettings settings;
      if (topic.starts_with("memory.")) {
        settings.durability = Durability::memory;
        settings.retention.count = 2;
      }
      return settings;
    };
  }
  void SetUp() override { ASSERT_TRUE(fixture_.open()); }

  PageRequest request(std::string_view pattern, Kind kind = Kind::first) {
    PageRequest request;
    request.options.topics = {pattern_of(pattern)};
    request.options.after.kind = kind;
    request.options.limit = kPageEventsDefault;
    request.selection = fixture_.log().select(request.options.topics);
    return request;
  }
  PageRequest from(std::string_view pattern, Position after) {
    PageRequest wanted = request(pattern, Kind::cursor);
    wanted.options.after.cursor = {fixture_.log().epoch(), after};
    return wanted;
  }
  Page page(const PageRequest& wanted) {
    auto read = read_page(fixture_.log(), wanted);
    EXPECT_TRUE(read);
    return read ? std::move(*read) : Page();
  }

  FakeDisk disk_;
  LogFixture fixture_;
};

TEST_F(PageTest, APageOfNothingIsEmptyAndAtItsEnd) {
  const Page empty = page(request("news"));

  EXPECT_EQ(empty.count, 0U);
  EXPECT_TRUE(empty.at_end);
  EXPECT_EQ(page_json(empty, Epoch{36}),
            "{\"events\":[],\"cursor\":\"10-" + std::to_string(empty.cursor.value) + "\"}\n");
}

TEST_F(PageTest, PagesFollowEachOtherByTheirCursorAndMissNothing) {
  Words all;
  for (int i = 0; i < 25; ++i) {
    all.push_back(std::to_string(i));
    ASSERT_TRUE(fixture_.publish("news", all.back()));
    ASSERT_TRUE(fixture_.publish("other", "no"));
  }

  Words got;
  Position at;
  for (int i = 0; i < 10; ++i) {
    PageRequest wanted = from("news", at);
    wanted.options.limit = 4;
    const Page read = page(wanted);
    EXPECT_LE(read.count, 4U);
    for (const auto& word : words_of(read)) got.push_back(word);
    EXPECT_GE(read.cursor, at);
    at = read.cursor;
  }

  EXPECT_EQ(got, all);
  EXPECT_EQ(at, fixture_.log().bounds("news")->newest);
}

// What is polled again must be answered with 304, however busy other topics are.
TEST_F(PageTest, ThePageOfAQuietTopicStaysTheSameWhileOthersGrow) {
  const Position quiet = fixture_.publish("news", "one")->last;
  const Page before = page(request("news"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(fixture_.publish("other", "no"));

  const Page after = page(request("news"));

  EXPECT_EQ(before.cursor, quiet);
  EXPECT_EQ(after.cursor, before.cursor);
  EXPECT_TRUE(after.at_end);
}

TEST_F(PageTest, ThePageAfterARestartShowsWhatWasBeforeIt) {
  for (const char* data : {"one", "two", "three"}) ASSERT_TRUE(fixture_.publish("news", data));
  ASSERT_TRUE(fixture_.open());

  PageRequest two = request("news", Kind::newest);
  two.options.after.count = 2;

  EXPECT_EQ(words_of(page(request("news", Kind::absent))), (Words{"one", "two", "three"}));
  EXPECT_EQ(words_of(page(two)), (Words{"two", "three"}));
}

TEST_F(PageTest, WithoutAfterAPageShowsTheNewestOldestFirst) {
  for (const char* data : {"1", "2", "3", "4"}) ASSERT_TRUE(fixture_.publish("news", data));
  PageRequest wanted = request("news", Kind::absent);
  wanted.options.limit = 2;

  EXPECT_EQ(words_of(page(wanted)), (Words{"3", "4"}));
}

TEST_F(PageTest, TheCursorMovesPastWhatAFilterLeftOut) {
  ASSERT_TRUE(fixture_.publish("news", "1"));
  ASSERT_TRUE(fixture_.publish("news", "2"));
  PageRequest wanted = request("news");
  wanted.options.filter.type = "nobody.publishes.this";

  const Page read = page(wanted);

  EXPECT_EQ(read.count, 0U);
  EXPECT_TRUE(read.at_end);
  EXPECT_EQ(read.cursor, fixture_.log().durable_end());
}

TEST_F(PageTest, APageIsBoundedByItsBytesAndTheNextGoesOnWhereItEnded) {
  fixture_.log().keep_house();
  const std::string large(200'000, 'x');
  constexpr size_t kEvents = 60;
  for (size_t i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(fixture_.publish("news", large));
    fixture_.log().keep_house();
  }

  const Page first = page(request("news"));
  const Page second = page(from("news", first.cursor));

  EXPECT_LT(first.events.size(), kPageBytesMax + 2 * large.size());
  EXPECT_LT(first.count, kEvents);
  EXPECT_EQ(first.count + second.count, kEvents);
}

TEST_F(PageTest, AConflatedPageCutByItsBytesLosesNoKey) {
  fixture_.log().keep_house();
  constexpr size_t kEvents = 60;
  for (size_t i = 0; i < kEvents; ++i) {
    Append append;
    const Event event{.id = "e",
                      .data_content_type = "text/plain",
                      .key = std::to_string(i),
                      .data = std::string(200'000, 'x'),
                      .form = DataForm::text};
    append.items.push_back({.topic = "quotes"});
    append_event_record(append.records, event, TopicId(), "quotes");
    ASSERT_TRUE(fixture_.commit(std::move(append)));
    fixture_.log().keep_house();
  }
  size_t count = 0;
  Position at;

  for (int i = 0; i < 5; ++i) {
    PageRequest wanted = from("quotes", at);
    wanted.options.conflate = true;
    const Page read = page(wanted);
    count += read.count;
    at = read.cursor;
  }

  EXPECT_EQ(count, kEvents);
}

TEST_F(PageTest, AGapEndsThePageUnlessTheReaderTakesIt) {
  const Position first = fixture_.publish("news", "1")->last;
  const Position second = fixture_.publish("news", "2")->last;
  ASSERT_TRUE(fixture_.trim("news", second));
  PageRequest wanted = from("news", Position{first.value - 1});

  const Page refused = page(wanted);
  EXPECT_EQ(refused.gaps.size(), 1U);
  EXPECT_EQ(refused.count, 0U);

  wanted.options.gap_ok = true;
  const Page taken = page(wanted);
  EXPECT_EQ(words_of(taken), (Words{"2"}));
  EXPECT_NE(page_json(taken, fixture_.log().epoch()).find(",\"gap\":{\"requested\""),
            std::string::npos);
}

TEST_F(PageTest, FromTheFirstThereIsNeverAGap) {
  ASSERT_TRUE(fixture_.publish("news", "1"));
  const Position second = fixture_.publish("news", "2")->last;
  ASSERT_TRUE(fixture_.trim("news", second));

  const Page read = page(request("news", Kind::first));

  EXPECT_TRUE(read.gaps.empty());
  EXPECT_EQ(words_of(read), (Words{"2"}));
}

// A loop's side, for what waits on it.
class LongPollTest : public PageTest {
 protected:
  void SetUp() override {
    PageTest::SetUp();
    hub_ = std::make_unique<LocalHub>(
        fixture_.log(), pool_.pool(),
        [this, post = mail_.post()](std::move_only_function<void()> task) {
          if (before_post_) std::exchange(before_post_, nullptr)();
          post(std::move(task));
        },
        kMiB);
    fan_out_ = std::make_unique<FanOut>(loop_, *hub_, FanOut::Options{});
  }
  void TearDown() override { pool_.run_all(); }

  std::shared_ptr<LongPoll> poll(std::string_view topic) {
    auto wanted = std::make_shared<PageRequest>(request(topic, Kind::now));
    wanted->options.wait = seconds(25);
    auto made = std::make_shared<LongPoll>(
        *fan_out_, wanted,
        LongPoll::From{fixture_.log().durable_end(), fixture_.log().mark_number()},
        loop_.now() + seconds(25), [this](Result<Page> page) {
          ++answers_;
          ASSERT_TRUE(page);
          answer_ = std::move(*page);
        });
    made->begin();
    return made;
  }
  void settle() {
    for (int i = 0; i < 4; ++i) {
      mail_.run_all();
      pool_.run_all();
    }
    mail_.run_all();
  }

  Loop loop_{0};
  PlayedMail mail_;
  HeldPool pool_;
  std::function<void()> before_post_;
  std::unique_ptr<LocalHub> hub_;
  std::unique_ptr<FanOut> fan_out_;
  std::optional<Page> answer_;
  int answers_ = 0;
};

TEST_F(LongPollTest, ItIsAnsweredByTheFirstEventThatMatches) {
  poll("news");
  ASSERT_TRUE(fixture_.publish("other", "no"));
  settle();
  EXPECT_EQ(answers_, 0);

  ASSERT_TRUE(fixture_.publish("news", "yes"));
  settle();

  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(words_of(*answer_), (Words{"yes"}));
  EXPECT_EQ(answer_->cursor, fixture_.log().durable_end());
}

TEST_F(LongPollTest, AtItsTimeItIsAnsweredWithACursorThatHasMovedOn) {
  poll("news");
  ASSERT_TRUE(fixture_.publish("other", "no"));
  settle();

  fan_out_->on_sweep(loop_.now() + seconds(24));
  EXPECT_EQ(answers_, 0);
  fan_out_->on_sweep(loop_.now() + seconds(25));

  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_->count, 0U);
  EXPECT_EQ(answer_->cursor, fixture_.log().durable_end());
}

// The topic's last event lies before the loop's tail: it must wait, not read again and again.
TEST_F(LongPollTest, OneOnAQuietTopicWaitsThoughOthersAreBusy) {
  const Position quiet = fixture_.publish("quiet", "one")->last;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(fixture_.publish("busy", std::string(200 * kKiB, 'x')));
    fixture_.keep_house();
  }
  settle();
  ASSERT_GT(hub_->tail().start(), quiet);
  auto wanted = std::make_shared<PageRequest>(from("quiet", quiet));
  std::make_shared<LongPoll>(*fan_out_, wanted, LongPoll::From{quiet, fixture_.log().mark_number()},
                             loop_.now() + seconds(25),
                             [this](const Result<Page>& page) {
                               ++answers_;
                               EXPECT_TRUE(page && page->count == 0);
                             })
      ->begin();
  settle();

  fan_out_->on_sweep(loop_.now() + seconds(25));

  EXPECT_EQ(answers_, 1);
}

TEST_F(LongPollTest, AnEventThatCameBeforeItBeganToWaitIsNotMissed) {
  const Position before = fixture_.log().durable_end();
  ASSERT_TRUE(fixture_.publish("news", "one"));
  settle();
  auto wanted = std::make_shared<PageRequest>(request("news", Kind::now));

  std::make_shared<LongPoll>(
      *fan_out_, wanted, LongPoll::From{before, fixture_.log().mark_number()},
      loop_.now() + seconds(25), [this](Result<Page> page) { answer_ = std::move(*page); })
      ->begin();
  settle();

  ASSERT_TRUE(answer_);
  EXPECT_EQ(words_of(*answer_), (Words{"one"}));
}

// The read saw nothing, and the loop heard of the commit before it heard of the read.
TEST_F(LongPollTest, AnEventThatComesWhileItReadsIsNotMissed) {
  const Position before = fixture_.log().durable_end();
  ASSERT_TRUE(fixture_.publish("other", "no"));
  mail_.run_all();
  auto wanted = std::make_shared<PageRequest>(request("news", Kind::now));
  std::make_shared<LongPoll>(
      *fan_out_, wanted, LongPoll::From{before, fixture_.log().mark_number()},
      loop_.now() + seconds(25), [this](Result<Page> page) { answer_ = std::move(*page); })
      ->begin();
  before_post_ = [this] { ASSERT_TRUE(fixture_.publish("news", "yes")); };

  settle();
  fan_out_->on_sweep(loop_.now() + seconds(25));

  ASSERT_TRUE(answer_);
  EXPECT_EQ(words_of(*answer_), (Words{"yes"}))
      << "answered with nothing, and with a cursor behind the event";
}

TEST_F(LongPollTest, WhatIsRemovedBeforeItIsReadIsToldAsAGap) {
  poll("memory.ticks");  // holds two events

  for (const char* data : {"1", "2", "3", "4", "5"})
    ASSERT_TRUE(fixture_.publish("memory.ticks", data));
  settle();

  ASSERT_EQ(answers_, 1);
  const bool whole = words_of(*answer_).size() == 5;
  EXPECT_TRUE(whole || !answer_->gaps.empty()) << "three events are gone and nobody said so";
}

TEST_F(LongPollTest, AClientThatWentAwayIsNotAnswered) {
  const auto waiting = poll("news");
  waiting->cancel();

  ASSERT_TRUE(fixture_.publish("news", "one"));
  settle();
  fan_out_->on_sweep(loop_.now() + seconds(30));

  EXPECT_EQ(answers_, 0);
}

TEST_F(LongPollTest, ADrainAnswersAtOnce) {
  poll("news");

  fan_out_->drain();

  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_->count, 0U);
}

// Its page was being read when the drain began: nobody would answer it before its time.
TEST_F(LongPollTest, OneThatBeginsToWaitInADrainIsAnsweredAtOnce) {
  fan_out_->drain();

  poll("news");

  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_->count, 0U);
}

TEST_F(LongPollTest, ItIsAnsweredOnceHoweverManyEventsCome) {
  poll("news");
  ASSERT_TRUE(fixture_.publish("news", "1"));
  mail_.run_all();
  ASSERT_TRUE(fixture_.publish("news", "2"));
  settle();
  fan_out_->on_sweep(loop_.now() + seconds(30));

  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(words_of(*answer_), (Words{"1", "2"}));
}

}  // namespace
}  // namespace carillon
