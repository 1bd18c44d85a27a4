// Damage belongs to the whole log, not to one source.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

constexpr uint64_t kSmallJournal = 256 * kKiB;
const std::vector<std::string> kTopics{"t0", "t1", "t2"};

// A stopped log with segments and journals, and what it holds.
class StoppedLog {
 public:
  StoppedLog() {
    LogFixture fixture(disk, kSmallJournal);
    EXPECT_TRUE(fixture.open());
    for (int i = 0; i < 150; ++i) {
      const std::string& topic = kTopics[static_cast<size_t>(i) % kTopics.size()];
      std::vector<std::string> datas;
      const size_t count = 1 + static_cast<size_t>(i) % 3;
      for (size_t k = 0; k < count; ++k)
        datas.push_back(fmt::format("{}.{}:", i, k) + std::string(i % 7 * 400UL, 'd'));
      const auto answer = fixture.commit(LogFixture::append_of(topic, datas));
      EXPECT_TRUE(answer);
      last_frame = answer->first;
      if (i % 40 == 20) fixture.keep_house();
    }
    for (const ReadEvent& event : fixture.read_all(kTopics)) events.emplace(event.position, event);
    EXPECT_GT(fixture.log().stats().segments, 1U);
  }

  FakeDisk disk;
  std::map<Position, ReadEvent> events;
  Position last_frame;  // its damage cannot be told from a tear
};

// What damage did, as its readers see it.
struct Seen {
  std::string opening;  // why it could not be opened
  std::string wrong;    // a byte that was never published
  std::set<Position> missing;
  bool reported = false;
  bool reader_told = false;
  bool went_through = true;
};

Seen look_at(FakeDisk& disk, const StoppedLog& intact) {
  Seen seen;
  LogFixture fixture(disk, kSmallJournal);
  if (const auto opened = fixture.open(); !opened) {
    seen.opening = opened.error().detail;
    return seen;
  }
  for (const auto& [position, event] : intact.events) seen.missing.insert(position);
  std::set<Position> all_missing;
  std::vector<std::vector<std::string>> reads{{"*"}};
  for (const std::string& topic : kTopics) reads.push_back({topic});
  for (const auto& patterns : reads) {
    const auto through = fixture.read_through(patterns, {}, 64 * kKiB, 50);
    auto missing = seen.missing;
    for (const ReadEvent& event : through.events) {
      const auto expected = intact.events.find(event.position);
      if (expected == intact.events.end() || expected->second != event)
        seen.wrong = fmt::format("position {} on {}", event.position.value, event.topic);
      missing.erase(event.position);
    }
    for (const Position position : missing) {
      const auto& topic = intact.events.at(position).topic;
      if (patterns[0] == "*" || patterns[0] == topic) all_missing.insert(position);
    }
    seen.reader_told = seen.reader_told || !through.damage.empty();
    seen.went_through = seen.went_through && !through.error;
  }
  seen.missing = all_missing;
  seen.reported = !fixture.log().damages().empty();
  return seen;
}

// A byte of some file, mostly one that holds something.
std::pair<std::string, uint64_t> some_byte(const FakeDisk& disk, Random& random) {
  const auto names = disk.names();
  for (;;) {
    const std::string& name = names[random.below(names.size())];
    const std::string content = disk.content(name);
    if (content.empty()) continue;
    for (int tries = 0; tries < 50; ++tries) {
      const uint64_t offset = random.below(content.size());
      const auto page = std::string_view(content).substr(offset / 512 * 512, 512);
      if (page.find_first_not_of('\0') != std::string_view::npos) return {name, offset};
    }
  }
}

uint64_t flips_wanted() {
  const char* text = std::getenv("CARILLON_BIT_FLIPS");
  return text == nullptr ? 500 : std::strtoull(text, nullptr, 10);
}

TEST(LogDamage, AFlippedBitIsHarmlessOrReportedAndNeverServed) {
  const StoppedLog intact;
  SeededRandom random(77);
  uint64_t reported = 0;
  uint64_t refused = 0;
  const uint64_t wanted = flips_wanted();
  for (uint64_t flip = 0; flip < wanted; ++flip) {
    FakeDisk damaged = intact.disk.copy();
    const auto [name, offset] = some_byte(damaged, random);
    const auto bit = static_cast<unsigned>(random.below(8));
    damaged.flip_bit(name, offset, bit);
    const auto place = fmt::format("{} byte {} bit {}", name, offset, bit);

    const Seen seen = look_at(damaged, intact);

    refused += seen.opening.empty() ? 0 : 1;
    reported += seen.reported ? 1 : 0;
    EXPECT_EQ(seen.wrong, "") << place;
    EXPECT_TRUE(seen.went_through) << place;
    if (!seen.opening.empty()) {
      EXPECT_NE(seen.opening.find(name), std::string::npos) << place << ": " << seen.opening;
      continue;
    }
    const bool last_frame =
        !seen.missing.empty() && *seen.missing.begin() >= intact.last_frame && !seen.reported;
    if (seen.missing.empty() || last_frame) continue;
    EXPECT_TRUE(seen.reported) << place << ": " << seen.missing.size() << " events are gone";
    EXPECT_TRUE(seen.reader_told) << place << ": no reader was told";
  }
  std::printf("bit flips: %llu, reported %llu, refused to open %llu\n",
              static_cast<unsigned long long>(wanted), static_cast<unsigned long long>(reported),
              static_cast<unsigned long long>(refused));
  EXPECT_GT(reported, 0U);
}

// One bit costs one event of a segment, and one frame of a journal.
TEST(LogDamage, AFlippedBitAmongTheRecordsCostsNoOtherEvent) {
  const StoppedLog intact;
  SeededRandom random(78);
  const auto names = intact.disk.names();
  for (const std::string& name : names) {
    const uint64_t id = Segment::id_of(name);
    if (id == 0) continue;
    FakeDisk copy = intact.disk.copy();
    const auto segment = Segment::open(copy, id);
    ASSERT_TRUE(segment);
    for (int flip = 0; flip < 40; ++flip) {
      FakeDisk damaged = intact.disk.copy();
      const uint64_t offset = 64 + random.below((*segment)->footer().order_offset - 64);
      damaged.flip_bit(name, offset, static_cast<unsigned>(random.below(8)));

      const Seen seen = look_at(damaged, intact);

      EXPECT_LE(seen.missing.size(), 1U) << name << " byte " << offset;
    }
  }
}

TEST(LogDamage, AZeroedPageOrACutFileIsReportedAndNothingWrongIsServed) {
  const StoppedLog intact;
  SeededRandom random(79);
  for (int round = 0; round < 60; ++round) {
    FakeDisk damaged = intact.disk.copy();
    const auto [name, offset] = some_byte(damaged, random);
    const bool cut = random.below(2) == 0;
    const bool spare_or_last = Journal::id_of(name) != 0;
    if (cut) {
      damaged.truncate(name, offset);
    } else {
      damaged.zero_page(name, offset / kFrameAlignment * kFrameAlignment);
    }

    const Seen seen = look_at(damaged, intact);

    EXPECT_EQ(seen.wrong, "") << name << " at " << offset;
    // The end of the last journal that goes missing looks like a tear.
    if (!seen.opening.empty() || seen.missing.empty() || spare_or_last) continue;
    EXPECT_TRUE(seen.reported) << name << " at " << offset << (cut ? " cut" : " zeroed");
  }
}

TEST(LogDamage, TwoSegmentsThatChangedNamesAreSaid) {
  StoppedLog intact;
  const std::string first = intact.disk.content(Segment::name_of(1));
  const std::string second = intact.disk.content(Segment::name_of(2));
  intact.disk.put(Segment::name_of(1), second);
  intact.disk.put(Segment::name_of(2), first);

  const Seen seen = look_at(intact.disk, intact);

  EXPECT_EQ(seen.wrong, "");
  EXPECT_TRUE(!seen.opening.empty() || seen.missing.empty() || seen.reported);
}

TEST(LogDamage, ASegmentThatIsGoneIsSaid) {
  StoppedLog intact;
  intact.disk.take_away(Segment::name_of(1));

  const Seen seen = look_at(intact.disk, intact);

  EXPECT_EQ(seen.wrong, "");
  EXPECT_TRUE(!seen.opening.empty() || (seen.reported && seen.reader_told))
      << seen.missing.size() << " events are gone without a word";
}

TEST(LogDamage, AJournalThatIsGoneIsSaid) {
  FakeDisk disk;
  LogFixture fixture(disk);
  ASSERT_TRUE(fixture.open());
  const auto roll = [&](uint64_t journals) {
    while (fixture.log().stats().journals < journals)
      ASSERT_TRUE(fixture.publish("filler", std::string(100 * kKiB, 'f')));
  };
  fixture.keep_house();
  const auto before = fixture.publish("t", "a");
  roll(2);
  const auto lost = fixture.publish("t", "b");
  ASSERT_TRUE(lost);
  roll(3);
  ASSERT_TRUE(fixture.publish("t", "c"));
  fixture.close();
  disk.take_away(Journal::name_of(2));

  ASSERT_TRUE(fixture.open());

  EXPECT_EQ(fixture.read_topic("t"), (std::vector<std::string>{"a", "c"}));
  ASSERT_EQ(fixture.log().damages().size(), 1U);
  EXPECT_GE(fixture.log().damages()[0].after, before->last);
  EXPECT_LT(fixture.log().damages()[0].after, lost->last);
  EXPECT_GE(fixture.log().damages()[0].last, lost->last);
}

TEST(LogDamage, AFileOfAnotherKindUnderALogsNameDoesNotEndTheHub) {
  for (const std::string& name : {Journal::name_of(50), Segment::name_of(50)}) {
    FakeDisk disk;
    LogFixture fixture(disk);
    ASSERT_TRUE(fixture.open());
    ASSERT_TRUE(fixture.publish("t", "a"));
    fixture.close();
    disk.put(name, std::string(10'000, 'z'));

    ASSERT_TRUE(fixture.open()) << name;

    EXPECT_EQ(fixture.read_topic("t"), std::vector<std::string>{"a"}) << name;
  }
}

}  // namespace
}  // namespace carillon
