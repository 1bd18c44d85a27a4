// A crash belongs to the whole log, not to one source.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "testing/log_fixture.h"

namespace carillon {
namespace {

constexpr uint64_t kSmallJournal = 256 * kKiB;

uint64_t count_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What a publisher knows: what it sent, what it was told, what it asked to be removed.
class Ledger {
 public:
  struct Acknowledged {
    std::string topic;
    Position position;
    std::string key;  // Idempotency-Key, when it gave one
  };

  void sends(const std::string& data) { sent_.insert(data); }
  void acknowledged(const std::string& data, Acknowledged what) {
    shown_ = std::max(shown_, what.position);
    acknowledged_.emplace(data, std::move(what));
  }
  void shown(Position position) { shown_ = std::max(shown_, position); }
  void refused(const std::string& data) { refused_.insert(data); }
  void asks_removal(const std::string& topic, Position until) {
    last_asked_ = until;
    asked_[topic] = std::max(asked_[topic], until);
  }
  void removal_done(const std::string& topic) {
    removed_[topic] = std::max(removed_[topic], last_asked_);
  }

  const std::map<std::string, Acknowledged>& acknowledged() const { return acknowledged_; }
  Position highest_shown() const { return shown_; }
  bool may_be_gone(const Acknowledged& event) const { return covers(asked_, event); }

  // Empty when `found` is what a log may hold that was crashed now.
  std::string fault_in(const std::vector<ReadEvent>& found) const {
    std::map<std::string, const ReadEvent*> by_data;
    Position last;
    for (const ReadEvent& event : found) {
      if (event.position <= last) return fmt::format("{} is out of order", event.data);
      last = event.position;
      if (!by_data.emplace(event.data, &event).second) return event.data + " is there twice";
      if (!sent_.contains(event.data)) return "never sent: " + event.data;
      if (refused_.contains(event.data)) return "was refused, but is there: " + event.data;
      if (covers(removed_, {event.topic, event.position, {}})) return event.data + " came back";
    }
    for (const auto& [data, event] : acknowledged_) {
      const auto there = by_data.find(data);
      if (there == by_data.end()) {
        if (may_be_gone(event)) continue;
        return fmt::format("lost: {} at {}", data.substr(0, 20), event.position.value);
      }
      if (there->second->position != event.position || there->second->topic != event.topic)
        return data + " stands elsewhere";
    }
    return {};
  }

 private:
  static bool covers(const std::map<std::string, Position>& cuts, const Acknowledged& event) {
    const auto cut = cuts.find(event.topic);
    return cut != cuts.end() && event.position <= cut->second;
  }

  std::set<std::string> sent_;
  std::set<std::string> refused_;  // for certain: not `io`, which may be either
  std::map<std::string, Acknowledged> acknowledged_;
  std::map<std::string, Position> asked_;    // removals, by topic
  std::map<std::string, Position> removed_;  // those that were answered
  Position last_asked_;
  Position shown_;
};

// A random publisher on one log.
class Publisher {
 public:
  Publisher(LogFixture& fixture, uint64_t seed) : fixture_(fixture), random_(seed) {}

  void run(int steps) {
    for (int step = 0; step < steps && fixture_.failures.empty(); ++step) one_step();
  }
  const Ledger& ledger() const { return ledger_; }

 private:
  void one_step() {
    const uint64_t kind = random_.below(24);
    if (kind < 2) return trim();
    if (kind == 2) return drop();
    if (kind == 3) return memory();
    if (kind < 7) return fixture_.keep_house();
    if (kind < 11) return publish_once();
    publish();
  }

  std::string topic() { return "t" + std::to_string(random_.below(4)); }
  std::string data() {
    const uint64_t size = random_.below(6) == 0 ? random_.below(20'000) : random_.below(300);
    auto made = fmt::format("{}:", ++number_) + std::string(size, 'd');
    ledger_.sends(made);
    return made;
  }

  void note_refusal(const Error& error, const std::vector<std::string>& datas) {
    if (error.code == Errc::io) return;  // unknown: it may be there
    for (const std::string& one : datas) ledger_.refused(one);
  }

  void publish() {
    const std::string to = topic();
    std::vector<std::string> datas;
    const uint64_t count = 1 + random_.below(4);
    for (uint64_t i = 0; i < count; ++i) datas.push_back(data());
    const auto answer = fixture_.commit(LogFixture::append_of(to, datas));
    if (!answer) return note_refusal(answer.error(), datas);
    for (size_t i = 0; i < datas.size(); ++i)
      ledger_.acknowledged(datas[i], {to, Position{answer->first.value + i}, {}});
  }

  void publish_once() {
    const std::string to = topic();
    const std::string one = data();
    const std::string key = "key-" + std::to_string(number_);
    const auto answer = fixture_.publish_once(to, one, key);
    if (!answer) return note_refusal(answer.error(), {one});
    ledger_.acknowledged(one, {to, answer->last, key});
  }

  void memory() {
    if (const auto answer = fixture_.publish("memory.m", "seen")) ledger_.shown(answer->last);
  }

  void trim() {
    const std::string of = topic();
    const auto bounds = fixture_.log().bounds(of);
    if (!bounds || bounds->newest.value == 0) return;
    const Position before{bounds->oldest.value +
                          random_.below(bounds->newest.value - bounds->oldest.value + 1)};
    ledger_.asks_removal(of, Position{before.value - 1});
    if (fixture_.trim(of, before)) ledger_.removal_done(of);
  }

  void drop() {
    const std::string of = topic();
    if (!fixture_.log().bounds(of)) return;
    ledger_.asks_removal(of, fixture_.log().durable_end());
    if (fixture_.drop(of)) ledger_.removal_done(of);
  }

  LogFixture& fixture_;
  SeededRandom random_;
  Ledger ledger_;
  uint64_t number_ = 0;
};

const std::vector<std::string> kDiskTopics{"t0", "t1", "t2", "t3"};

// Opens an image and holds it against the ledger; then goes on with it, and opens it once more.
void check_image(FakeDisk image, const Ledger& ledger, Random& random) {
  LogFixture after(image, kSmallJournal);
  const auto opened = after.open();
  ASSERT_TRUE(opened) << opened.error().detail;
  const auto found = after.read_all(kDiskTopics);
  ASSERT_EQ(ledger.fault_in(found), "");
  ASSERT_THAT(after.log().damages(), testing::IsEmpty()) << "a tear was called damage";
  if (random.below(4) != 0) return;

  if (!ledger.acknowledged().empty()) {
    auto one = ledger.acknowledged().begin();
    std::advance(one, random.below(ledger.acknowledged().size()));
    const auto& [data, event] = *one;
    if (!event.key.empty()) {
      const auto repeat = after.publish_once(event.topic, data, event.key);
      ASSERT_TRUE(repeat && repeat->repeat) << data << " was stored a second time";
      ASSERT_EQ(repeat->last, event.position);
    }
  }
  const auto next = after.publish("next", "after the crash");
  ASSERT_TRUE(next) << next.error().detail;
  ASSERT_GT(next->last, ledger.highest_shown());
  image = image.crash(random);
  ASSERT_TRUE(after.open());
  ASSERT_EQ(after.read_all(kDiskTopics), found) << "the second recovery differs from the first";
  ASSERT_EQ(after.read_topic("next"), std::vector<std::string>{"after the crash"});
}

// One life of a log, with pictures taken before every sync and at some of the calls between.
void run_with_pictures(uint64_t seed, uint64_t wanted, std::set<uint64_t>& images) {
  FakeDisk disk;
  LogFixture fixture(disk, kSmallJournal);
  ASSERT_TRUE(fixture.open());
  Publisher publisher(fixture, seed);
  SeededRandom random(seed * 7919);
  disk.look_at_calls([&](DiskCall call) {
    if (testing::Test::HasFatalFailure() || images.size() >= wanted) return;
    const bool boundary = call == DiskCall::sync || call == DiskCall::sync_directory;
    const bool changing = boundary || call == DiskCall::write || call == DiskCall::rename ||
                          call == DiskCall::remove || call == DiskCall::punch;
    if (!changing || (!boundary && random.below(6) != 0)) return;
    const auto order =
        random.below(2) == 0 ? FakeDisk::Directory::ordered : FakeDisk::Directory::any;
    FakeDisk image = disk.crash(random, order);
    if (!images.insert(image.fingerprint()).second) return;
    check_image(std::move(image), publisher.ledger(), random);
  });

  publisher.run(120);

  disk.look_at_calls(nullptr);
  EXPECT_TRUE(fixture.failures.empty());
  if (!testing::Test::HasFatalFailure()) check_image(disk.crash_hard(), publisher.ledger(), random);
}

TEST(LogCrash, NothingAcknowledgedIsLostAndNothingRemovedComesBackWhereverThePowerFails) {
  const uint64_t wanted = count_from("CARILLON_POWER_IMAGES", 2000);
  std::set<uint64_t> images;
  for (uint64_t seed = 1; images.size() < wanted; ++seed) {
    run_with_pictures(seed, wanted, images);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
    ASSERT_LT(seed, wanted) << "the pictures are always the same";
  }
  std::printf("distinct power-loss images: %zu\n", images.size());
}

// A kill keeps what was written; the power loss behind it keeps what was synced, by whomever.
TEST(LogCrash, APowerLossBehindAKillTakesNothingThatTheRecoveryServed) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FakeDisk disk;
    LogFixture fixture(disk, kSmallJournal);
    ASSERT_TRUE(fixture.open());
    Publisher publisher(fixture, seed);
    SeededRandom random(seed);
    publisher.run(20 + static_cast<int>(random.below(40)));
    disk.lie_about_sync(true);  // killed between write and sync
    fixture.publish("t0", "written");
    disk.lie_about_sync(false);
    ASSERT_TRUE(fixture.open());
    const auto served = fixture.read_all(kDiskTopics);

    disk = disk.crash_hard();
    ASSERT_TRUE(fixture.open());

    ASSERT_EQ(fixture.read_all(kDiskTopics), served) << "seed " << seed;
  }
}

// Some steps with call `number` failing. False when the run makes fewer calls.
bool run_with_failing_call(uint64_t number, Errc code) {
  FakeDisk disk;
  LogFixture fixture(disk, kSmallJournal);
  disk.fail_call(number, code);
  Ledger ledger;
  if (fixture.open()) {
    Publisher publisher(fixture, 5);
    publisher.run(25);
    ledger = publisher.ledger();
  }
  const bool reached = disk.count() >= number;
  EXPECT_LE(fixture.failures.size(), 1U) << "call " << number;
  fixture.close();
  disk.fail_call(0, code);

  FakeDisk killed = disk.copy();
  LogFixture again(killed, kSmallJournal);
  const auto opened = again.open();
  EXPECT_TRUE(opened) << "call " << number << ": " << (opened ? "" : opened.error().detail);
  if (!opened) return reached;
  EXPECT_EQ(ledger.fault_in(again.read_all(kDiskTopics)), "") << "call " << number;
  EXPECT_THAT(again.log().damages(), testing::IsEmpty()) << "call " << number;
  FakeDisk unpowered = disk.crash_hard();
  LogFixture later(unpowered, kSmallJournal);
  EXPECT_TRUE(later.open()) << "call " << number;
  EXPECT_EQ(ledger.fault_in(later.read_all(kDiskTopics)), "") << "call " << number;
  return reached;
}

TEST(LogCrash, WhicheverCallFailsNoAcknowledgementIsBroken) {
  uint64_t number = 1;
  while (run_with_failing_call(number, Errc::io) && !testing::Test::HasFailure()) ++number;
  std::printf("calls failed: %llu\n", static_cast<unsigned long long>(number));
  EXPECT_GT(number, 50U);
}

TEST(LogCrash, WhicheverCallFindsTheDiskFullNoAcknowledgementIsBroken) {
  uint64_t number = 1;
  while (run_with_failing_call(number, Errc::full) && !testing::Test::HasFailure()) number += 3;
  EXPECT_GT(number, 50U);
}

}  // namespace
}  // namespace carillon
