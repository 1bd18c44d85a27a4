#include "log/log_reader.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kSmallJournal = 256 * kKiB;

// What the log should hold, the slow and plain way.
class Model {
 public:
  void stored(std::string_view topic, std::string_view data, Position position) {
    events_.push_back({std::string(topic), std::string(data), position});
  }
  void trimmed(std::string_view topic, Position before) {
    std::erase_if(events_, [&](const ReadEvent& event) {
      return event.topic == topic && event.position < before;
    });
  }
  std::vector<ReadEvent> behind(const std::vector<TopicPattern>& patterns, Position after) const {
    std::vector<ReadEvent> found;
    for (const ReadEvent& event : events_) {
      if (event.position > after && any_matches(patterns, event.topic)) found.push_back(event);
    }
    return found;
  }
  const std::vector<ReadEvent>& events() const { return events_; }

 private:
  std::vector<ReadEvent> events_;
};

constexpr std::string_view kTopics[] = {"a",   "a.b",      "a.c",      "x.b",
                                        "x.c", "memory.a", "memory.b", "long.way.down"};

// Publishes, trims and seals at random, and notes what should be there.
class Workload {
 public:
  Workload(LogFixture& fixture, uint64_t seed) : fixture_(fixture), random_(seed) {}

  void run(int turns) {
    for (int turn = 0; turn < turns; ++turn) {
      step();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  const Model& model() const { return model_; }
  Random& random() { return random_; }

 private:
  void step() {
    const uint64_t kind = random_.below(20);
    if (kind == 0) return fixture_.log().keep_house();
    if (kind == 1) return trim();
    publish();
  }

  void publish() {
    Append append;
    std::vector<std::pair<std::string, std::string>> given;
    const uint64_t count = 1 + random_.below(4);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string topic(kTopics[random_.below(std::size(kTopics))]);
      const std::string data = fmt::format("{}-", ++number_) +
                               std::string(random_.below(random_.below(10) == 0 ? 9000 : 90), 'd');
      LogFixture::add_event(append, topic, data);
      given.emplace_back(topic, data);
    }
    const auto answer = fixture_.commit(std::move(append));
    if (!answer) return fixture_.log().keep_house();  // no spare was ready
    uint64_t position = answer->first.value;
    for (const auto& [topic, data] : given) model_.stored(topic, data, Position{position++});
  }

  void trim() {
    if (model_.events().empty()) return;
    const auto& events = model_.events();
    const ReadEvent kept = events[random_.below(events.size())];
    ASSERT_TRUE(fixture_.trim(kept.topic, kept.position));
    model_.trimmed(kept.topic, kept.position);
  }

  LogFixture& fixture_;
  SeededRandom random_;
  Model model_;
  uint64_t number_ = 0;
};

std::vector<TopicPattern> random_patterns(Random& random) {
  static constexpr std::string_view kPatterns[] = {"a",   "a.*",       "*.b",  "**",      "x.**",
                                                   "x.c", "memory.**", "none", "*.way.*", "a.c"};
  std::vector<TopicPattern> patterns;
  const uint64_t count = random.below(3) == 0 ? 2 : 1;
  for (uint64_t i = 0; i < count; ++i)
    patterns.push_back(pattern_of(kPatterns[random.below(std::size(kPatterns))]));
  return patterns;
}

ReadEvent copied(const EventView& event) {
  return {std::string(event.topic()), std::string(event.data()), event.position()};
}

// One read from somewhere is a prefix of what the model has, and says truly how far it looked.
void check_one_read(LogFixture& fixture, const Model& model, Random& random) {
  const auto patterns = random_patterns(random);
  const Position end = fixture.log().durable_end();
  const ReadRequest request{.topics = fixture.log().select(patterns),
                            .after = Position{random.below(end.value + 1)},
                            .bytes_max = 1 + random.below(20'000),
                            .events_max = 1 + random.below(40),
                            .told_marks = 0};
  const auto read = fixture.log().read(request);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_THAT(read->damage, IsEmpty());
  EXPECT_LE(read->events.size(), request.events_max);
  EXPECT_LE(read->looked, end);
  if (request.after < end) EXPECT_GT(read->looked, request.after);

  auto expected = model.behind(patterns, request.after);
  std::erase_if(expected, [&](const ReadEvent& event) { return event.position > read->looked; });
  size_t bytes = 0;
  ASSERT_EQ(read->events.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(copied(read->events[i]), expected[i]);
    bytes += read->events[i].record_bytes();
  }
  EXPECT_TRUE(read->events.size() <= 1 || bytes <= request.bytes_max);
}

class LogReaderModel : public testing::TestWithParam<uint64_t> {};

TEST_P(LogReaderModel, EveryReadOverSegmentsJournalsAndMemoryEqualsTheNaiveOne) {
  FakeDisk disk;
  LogFixture fixture(disk, kSmallJournal);
  ASSERT_TRUE(fixture.open());
  Workload workload(fixture, GetParam());
  for (int round = 0; round < 6; ++round) {
    workload.run(150);
    for (int i = 0; i < 60; ++i) {
      check_one_read(fixture, workload.model(), workload.random());
      if (HasFatalFailure()) return;
    }
    const std::vector<std::string> everything{"**"};
    EXPECT_EQ(fixture.read_all(everything),
              workload.model().behind({pattern_of("**")}, kBeforeEverything));
  }
  EXPECT_GT(fixture.log().stats().segments, 1U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogReaderModel, testing::Values(1, 2, 3, 4));

class LogReaderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fixture.open()); }

  Position publish(std::string_view topic, std::string_view data) {
    const auto answer = fixture.publish(topic, data);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().detail);
    return answer ? answer->last : Position();
  }
  // Where in `file` the record of the event `data` (at most 16 bytes) begins.
  uint64_t record_at(const std::string& file, const std::string& data) {
    constexpr size_t kTagAndLength = 3;
    const size_t id = disk.content(file).find("id-" + data);
    EXPECT_NE(id, std::string::npos) << data;
    return id - kTagAndLength - kRecordHeaderBytes;
  }
  // Seven events on `t` and two others, sealed; every data is four bytes long.
  std::vector<Position> seal_seven() {
    std::vector<Position> positions;
    for (int i = 0; i < 7; ++i) positions.push_back(publish("t", fmt::format("ev-{}", i)));
    publish("u", "ot-0");
    publish("v", "ot-1");
    EXPECT_TRUE(fixture.seal());
    EXPECT_EQ(fixture.log().stats().segments, 1U);
    return positions;
  }
  // Flips a bit of ev-3's record in the segment; the others must still be read, and it reported.
  void expect_the_other_six(uint64_t byte, unsigned bit) {
    const auto positions = seal_seven();
    disk.flip_bit(Segment::name_of(1), record_at(Segment::name_of(1), "ev-3") + byte, bit);
    for (const size_t events_max : {1U, 4U, 100U}) {
      for (const std::string pattern : {"t", "*"}) {
        const auto through = fixture.read_through({pattern}, {}, kReadBytesMax, events_max);
        auto datas = datas_of(through.events);
        std::erase_if(datas, [](const std::string& data) { return !data.starts_with("ev-"); });
        EXPECT_THAT(datas, ElementsAre("ev-0", "ev-1", "ev-2", "ev-4", "ev-5", "ev-6"))
            << pattern << " by " << events_max;
        EXPECT_FALSE(through.error);
        EXPECT_THAT(through.damage, testing::Not(IsEmpty())) << pattern << " by " << events_max;
        EXPECT_EQ(through.looked, fixture.log().durable_end()) << pattern << " by " << events_max;
      }
      const auto in_front = fixture.read_through({"t"}, positions[2], kReadBytesMax, events_max);
      EXPECT_THAT(in_front.damage, testing::Not(IsEmpty())) << "from right before the loss";
    }
    ASSERT_THAT(fixture.log().damages(), testing::Not(IsEmpty()));
    EXPECT_EQ(fixture.log().damages()[0].file, Segment::name_of(1));
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(LogReaderTest, AFlippedBitInTheDataOfASealedEventHidesThatEventAlone) {
  expect_the_other_six(/*byte=*/52, /*bit=*/0);
}

TEST_F(LogReaderTest, AFlippedChecksumHidesThatEventAlone) { expect_the_other_six(0, 7); }

TEST_F(LogReaderTest, APositionMadeHugeByAFlippedBitLeadsNoReaderAstray) {
  expect_the_other_six(8 + 7, 6);
}

TEST_F(LogReaderTest, APositionMadeSmallByAFlippedBitIsStillReported) {
  // ev-3 stands at position 5: 5 ^ 4 is 1, which lies before every event.
  expect_the_other_six(8, 2);
}

TEST_F(LogReaderTest, ALengthMadeWrongByAFlippedBitHidesThatEventAlone) {
  expect_the_other_six(4, 4);
}

TEST_F(LogReaderTest, ADataLengthMadeHugeByAFlippedBitHidesThatEventAlone) {
  expect_the_other_six(28 + 3, 6);
}

TEST_F(LogReaderTest, ADamagedRecordAtOrBelowTheMarkIsRemovedAndNotDamaged) {
  const auto positions = seal_seven();
  disk.flip_bit(Segment::name_of(1), record_at(Segment::name_of(1), "ev-3") + 52, 0);
  ASSERT_TRUE(fixture.trim("t", positions[5]));

  for (const std::string pattern : {"t", "*"}) {
    const auto through = fixture.read_through({pattern});
    EXPECT_THAT(through.damage, IsEmpty()) << pattern;
    EXPECT_THAT(through.gaps, SizeIs(1)) << pattern;
  }
  EXPECT_THAT(fixture.log().damages(), IsEmpty());
}

TEST_F(LogReaderTest, ADamagedOrderBlockIsMadeAgainFromTheRecords) {
  seal_seven();
  const auto before = fixture.read_all({"**"});
  const auto segment = Segment::open(disk, 1);
  ASSERT_TRUE(segment);
  disk.flip_bit(Segment::name_of(1), (*segment)->footer().order_offset + 5, 1);

  const auto through = fixture.read_through({"**"});

  EXPECT_EQ(through.events, before);
  EXPECT_THAT(through.damage, IsEmpty());
}

TEST_F(LogReaderTest, DamageIsReportedUnderTheNameOfItsOwnJournal) {
  publish("t", "ev-0");
  publish("t", "ev-1");
  fixture.log().keep_house();
  while (fixture.log().stats().journals < 2) publish("filler", std::string(100 * kKiB, 'f'));
  publish("t", "ev-2");
  const std::string file = Journal::name_of(1);
  const uint64_t offset = record_at(file, "ev-1");
  disk.flip_bit(file, offset + 52, 0);

  const auto through = fixture.read_through({"t"});

  EXPECT_THAT(datas_of(through.events), ElementsAre("ev-0", "ev-2"));
  ASSERT_THAT(through.damage, SizeIs(1));
  EXPECT_EQ(through.damage[0].file, file);
  EXPECT_EQ(through.damage[0].offset, offset);
}

TEST_F(LogReaderTest, DamageThatAReaderMetIsListedOnceAlsoAfterItsJournalIsSealed) {
  publish("t", "ev-0");
  publish("t", "ev-1");
  disk.flip_bit(Journal::name_of(1), record_at(Journal::name_of(1), "ev-1") + 52, 0);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("ev-0"));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("ev-0"));
  ASSERT_THAT(fixture.log().damages(), SizeIs(1));

  ASSERT_TRUE(fixture.seal());

  EXPECT_THAT(fixture.log().damages(), SizeIs(1));
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("ev-0"));
  EXPECT_THAT(fixture.read_through({"t"}).damage, SizeIs(1));
}

TEST_F(LogReaderTest, AnEventLargerThanTheLimitComesAlone) {
  const std::string large(200 * kKiB, 'l');
  publish("t", "small");
  publish("t", large);
  publish("t", "after");
  for (const bool sealed : {false, true}) {
    if (sealed) ASSERT_TRUE(fixture.seal());
    for (const std::string pattern : {"t", "*"}) {
      const auto through = fixture.read_through({pattern}, {}, /*bytes_max=*/1);
      ASSERT_GE(through.events.size(), 3U) << pattern << sealed;
      EXPECT_EQ(through.events[1].data, large) << pattern << sealed;
      EXPECT_EQ(through.looked, fixture.log().durable_end());
    }
  }
}

TEST_F(LogReaderTest, AReadOfATopicThatIsNotThereLooksToTheEnd) {
  publish("t", "a");

  const auto through = fixture.read_through({"none"});

  EXPECT_THAT(through.events, IsEmpty());
  EXPECT_EQ(through.looked, fixture.log().durable_end());
}

TEST_F(LogReaderTest, ATopicMadeAfterTheSelectionIsFoundByItsNameAndByAPattern) {
  publish("t", "a");
  auto by_name = fixture.log().select({pattern_of("new.one")});
  auto by_pattern = fixture.log().select({pattern_of("new.*")});
  ReadRequest request{.topics = by_name, .after = {}, .bytes_max = kMiB, .events_max = 10};
  ASSERT_TRUE(fixture.log().read(request));
  request.topics = by_pattern;
  ASSERT_TRUE(fixture.log().read(request));
  publish("new.one", "b");

  for (const auto& topics : {by_name, by_pattern}) {
    request.topics = topics;
    const auto read = fixture.log().read(request);
    ASSERT_TRUE(read);
    ASSERT_THAT(read->events, SizeIs(1));
    EXPECT_EQ(read->events[0].topic(), "new.one");
  }
}

TEST_F(LogReaderTest, SystemTopicsAreReadOnlyByName) {
  publish("t", "a");
  publish("$sys.health", "h");

  EXPECT_THAT(datas_of(fixture.read_all({"**"})), ElementsAre("a"));
  EXPECT_THAT(datas_of(fixture.read_all({"$sys.**"})), ElementsAre("h"));
}

TEST_F(LogReaderTest, AGapIsToldOnceAndAgainOnlyWhenAMarkRises) {
  std::vector<Position> positions;
  for (int i = 0; i < 5; ++i) positions.push_back(publish("t", std::to_string(i)));
  ASSERT_TRUE(fixture.trim("t", positions[2]));
  ReadRequest request{.topics = fixture.log().select({pattern_of("t")}),
                      .after = kBeforeEverything,
                      .bytes_max = kMiB,
                      .events_max = 10};
  const auto first = fixture.log().read(request);
  request.told_marks = first->told_marks;
  const auto second = fixture.log().read(request);
  ASSERT_TRUE(fixture.trim("t", positions[4]));
  const auto third = fixture.log().read(request);

  ASSERT_THAT(first->gaps, SizeIs(1));
  EXPECT_EQ(first->gaps[0].mark, positions[1]);
  EXPECT_THAT(second->gaps, IsEmpty());
  ASSERT_THAT(third->gaps, SizeIs(1));
  EXPECT_EQ(third->gaps[0].mark, positions[3]);
  ASSERT_THAT(third->events, SizeIs(1));
  EXPECT_EQ(third->events[0].position(), positions[4]);
}

TEST_F(LogReaderTest, ADiskThatFailsToReadIsAnErrorAndNotAnEmptyAnswer) {
  publish("t", "a");
  disk.refuse(DiskCall::read, Errc::io);
  const auto failed = fixture.read_through({"t"});
  disk.accept(DiskCall::read);

  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->code, Errc::io);
  EXPECT_THAT(fixture.read_topic("t"), ElementsAre("a"));
  EXPECT_THAT(fixture.log().damages(), IsEmpty());
}

}  // namespace
}  // namespace carillon
