#include "log/log_tools.h"

#include <gmock/gmock.h>

#include "log/segment_format.h"
#include "log/state_file.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// What dump_log handed out. (Its visitor is a plain function.)
std::vector<std::string> dumped;
bool keep_line(std::string_view line) {
  dumped.emplace_back(line);
  return true;
}
bool keep_two_lines(std::string_view line) { return keep_line(line) && dumped.size() < 2; }

// Behind the header of a record: its attributes or data.
constexpr uint64_t kRecordByte = kRecordHeaderBytes + 4;

// A stopped log with a segment and a journal, and tools that look at it.
class LogToolsTest : public testing::Test {
 protected:
  void SetUp() override {
    dumped.clear();
    ASSERT_TRUE(fixture.open());
  }
  void publish(std::string_view topic, std::string_view data) {
    ASSERT_TRUE(fixture.publish(topic, data));
  }
  // Two sealed events, two young ones; what fills journals is gone.
  void fill_log() {
    publish("news", "sealed-1");
    publish("orders", "sealed-2");
    ASSERT_TRUE(fixture.seal());
    ASSERT_TRUE(fixture.drop("filler"));
    publish("news", "young-1");
    publish("orders", "young-2");
    fixture.close();
  }
  LogReport verified() {
    const auto report = verify_log(disk);
    EXPECT_TRUE(report) << report.error().detail;
    return report ? *report : LogReport();
  }
  std::string described() {
    const auto report = describe_log(disk);
    EXPECT_TRUE(report) << report.error().detail;
    return report ? report->text : std::string();
  }
  // The byte of the newest journal at which its `number`-th frame begins, small ones each taking a
  // page behind the header's.
  static uint64_t frame_at(uint64_t number) { return number * kFrameAlignment; }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(LogToolsTest, ASoundLogIsVerifiedWithTheNumberOfItsEvents) {
  fill_log();

  const auto report = verified();

  EXPECT_TRUE(report.sound);
  EXPECT_THAT(report.text, HasSubstr("4 events read, 0 damaged places"));
}

TEST_F(LogToolsTest, ALogWithoutAnEventIsSoundToo) {
  fixture.close();

  EXPECT_TRUE(verified().sound);
  EXPECT_TRUE(dump_log(disk, keep_line));
  EXPECT_THAT(dumped, IsEmpty());
}

TEST_F(LogToolsTest, WhereThereIsNoLogNoneIsMade) {
  FakeDisk empty;

  EXPECT_EQ(verify_log(empty).error().code, Errc::not_found);
  EXPECT_EQ(describe_log(empty).error().code, Errc::not_found);
  EXPECT_EQ(dump_log(empty, keep_line).error().code, Errc::not_found);

  EXPECT_THAT(empty.names(), IsEmpty());
}

TEST_F(LogToolsTest, LookingChangesNothingOnTheDisk) {
  fill_log();
  // What a crash leaves, and damage that an open would set aside.
  for (const char* name : {"filling", "sealing", "writing"}) disk.put(name, "unfinished");
  disk.tear_last_write(/*bytes_kept=*/7);
  disk.flip_bit(Segment::name_of(1), kSegmentHeaderBytes + kRecordByte, 3);
  disk.put(Journal::name_of(999), std::string(64 * kKiB, 'x'));
  const uint64_t before = disk.fingerprint();
  const auto names = disk.names();
  disk.forget_calls();

  verified();
  described();
  (void)dump_log(disk, keep_line);

  EXPECT_EQ(disk.fingerprint(), before);
  EXPECT_EQ(disk.names(), names);
  for (const DiskCall call : {DiskCall::write, DiskCall::rename, DiskCall::remove, DiskCall::sync,
                              DiskCall::sync_directory, DiskCall::punch})
    EXPECT_EQ(disk.count(call), 0U);
  EXPECT_FALSE(disk.has_unsynced());
}

TEST_F(LogToolsTest, ATornFrameAtTheEndIsNoDamage) {
  fill_log();
  disk.tear_last_write(/*bytes_kept=*/7);

  const auto report = verified();

  EXPECT_TRUE(report.sound) << report.text;
  EXPECT_THAT(report.text, HasSubstr("3 events read"));
}

TEST_F(LogToolsTest, ADamagedFrameIsNamedByFileAndByte) {
  for (const char* data : {"a", "b", "c"}) publish("news", data);
  fixture.close();
  disk.flip_bit(Journal::name_of(1), frame_at(2) + kFrameHeaderBytes + kRecordByte, 3);

  const auto report = verified();

  EXPECT_FALSE(report.sound);
  EXPECT_THAT(report.text,
              HasSubstr(fmt::format("{} byte {}: damaged", Journal::name_of(1), frame_at(2))));
  EXPECT_THAT(report.text, HasSubstr("2 events read, 1 damaged places"));
}

TEST_F(LogToolsTest, ADamagedRecordOfASegmentIsNamedByFileAndByte) {
  fill_log();
  disk.flip_bit(Segment::name_of(1), kSegmentHeaderBytes + kRecordByte, 3);

  const auto report = verified();

  EXPECT_FALSE(report.sound);
  EXPECT_THAT(report.text, HasSubstr(fmt::format("{} byte {}: damaged", Segment::name_of(1),
                                                 kSegmentHeaderBytes)));
  EXPECT_THAT(report.text, HasSubstr("3 events read, 1 damaged places"));
}

TEST_F(LogToolsTest, ADamagedCopyIsFoundWhileTheOtherStillServes) {
  fill_log();
  for (const char* name : {"identity", "state-0000000001"}) {
    ASSERT_TRUE(disk.has(name)) << name;
    for (const uint64_t copy : {uint64_t{0}, uint64_t{kFrameAlignment}}) {
      FakeDisk damaged = disk.copy();
      damaged.flip_bit(name, copy + 17, 1);

      const auto report = verify_log(damaged);

      ASSERT_TRUE(report) << name << copy;
      EXPECT_FALSE(report->sound) << name << copy;
      EXPECT_THAT(report->text, AllOf(HasSubstr(name), HasSubstr("4 events read, 0 damaged")));
    }
  }
}

TEST_F(LogToolsTest, ADamagedIndexIsFoundWhileTheRecordsStillServe) {
  fill_log();
  const auto segment = Segment::open(disk, 1);
  ASSERT_TRUE(segment);
  disk.flip_bit(Segment::name_of(1), (*segment)->footer().order_offset + 9, 4);

  const auto report = verified();

  EXPECT_FALSE(report.sound);
  EXPECT_THAT(report.text, AllOf(HasSubstr(Segment::name_of(1)), HasSubstr("4 events read")));
  EXPECT_TRUE(dump_log(disk, keep_line));
  EXPECT_THAT(dumped, SizeIs(4));
}

TEST_F(LogToolsTest, PublishesThatAreNoLongerRememberedAreSaid) {
  ASSERT_TRUE(fixture.publish_once("news", "once", "key"));
  ASSERT_TRUE(fixture.seal());
  fixture.close();
  ASSERT_TRUE(disk.has(repeats_name(1)));
  EXPECT_TRUE(verified().sound);
  for (const uint64_t copy : {uint64_t{0}, uint64_t{kFrameAlignment}})
    disk.flip_bit(repeats_name(1), copy + 20, 0);

  const auto report = verified();

  EXPECT_FALSE(report.sound);
  EXPECT_THAT(report.text, AllOf(HasSubstr(repeats_name(1)), HasSubstr("stored again")));
}

TEST_F(LogToolsTest, AMissingSegmentIsSaid) {
  fill_log();
  disk.take_away(Segment::name_of(1));

  const auto report = verified();

  EXPECT_FALSE(report.sound);
  EXPECT_THAT(report.text, AllOf(HasSubstr(Segment::name_of(1)), HasSubstr("2 events read")));
}

TEST_F(LogToolsTest, TheDescriptionHasALineForEachFileAndEachTopic) {
  fill_log();

  const auto text = described();

  EXPECT_THAT(text, HasSubstr(Segment::name_of(1)));
  EXPECT_THAT(text, HasSubstr("journal-"));
  EXPECT_THAT(text, HasSubstr("topic news  2 events"));
  EXPECT_THAT(text, HasSubstr("topic orders  2 events"));
  EXPECT_THAT(text, HasSubstr("topic filler  0 events  0 bytes  deleted"));
}

TEST_F(LogToolsTest, ADumpHasALineForEachLivingEventInPositionOrder) {
  publish("news", "removed");
  const Position kept = fixture.publish("news", "sealed-\"1\"\n")->last;
  ASSERT_TRUE(fixture.trim("news", kept));
  publish("orders", "sealed-2");
  ASSERT_TRUE(fixture.seal());
  ASSERT_TRUE(fixture.drop("filler"));
  Append raw;
  const Event event{.id = "raw",
                    .type = std::string(kDefaultType),
                    .data = std::string("\x00\xff", 2),
                    .form = DataForm::binary};
  raw.items.push_back({.topic = "news"});
  append_event_record(raw.records, event, TopicId(), "news");
  ASSERT_TRUE(fixture.commit(std::move(raw)));
  const Epoch epoch = fixture.log().epoch();
  fixture.close();

  EXPECT_TRUE(dump_log(disk, keep_line));

  ASSERT_THAT(dumped, SizeIs(3));
  EXPECT_THAT(dumped[0],
              AllOf(HasSubstr("\"cursor\":\"" + Cursor{epoch, kept}.text() + "\""),
                    HasSubstr(R"("topic":"news")"), HasSubstr(R"("data":"sealed-\"1\"\n")")));
  EXPECT_THAT(dumped[1],
              AllOf(HasSubstr(R"("topic":"orders")"), HasSubstr(R"("data":"sealed-2")")));
  EXPECT_THAT(dumped[2], AllOf(HasSubstr(R"("id":"raw")"), HasSubstr(R"("data_base64":"AP8=")")));
  for (const std::string& line : dumped) EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST_F(LogToolsTest, ADumpEndsWhenNoMoreLinesAreWanted) {
  fill_log();

  EXPECT_TRUE(dump_log(disk, keep_two_lines));

  EXPECT_THAT(dumped, SizeIs(2));
}

TEST_F(LogToolsTest, ADumpOfADamagedLogGivesWhatIsLeftAndSaysThatItIsNotAll) {
  for (const char* data : {"a", "b", "c"}) publish("news", data);
  fixture.close();
  disk.flip_bit(Journal::name_of(1), frame_at(2) + kFrameHeaderBytes + kRecordByte, 3);

  const auto result = dump_log(disk, keep_line);

  EXPECT_THAT(dumped, ElementsAre(HasSubstr(R"("data":"a")"), HasSubstr(R"("data":"c")")));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::corrupt);
  EXPECT_THAT(result.error().detail,
              AllOf(HasSubstr(Journal::name_of(1)), HasSubstr("carillon log verify")));
}

}  // namespace
}  // namespace carillon
