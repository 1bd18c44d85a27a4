// The logs in tests/golden, as a release wrote them, read by this one (tests/golden/README.md).
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "log/log_tools.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

// Programs of tests lie in build/<preset>/tests.
std::filesystem::path golden() {
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  return program.parent_path() / "../../../tests/golden/format-1";
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> expected_lines() {
  std::vector<std::string> lines;
  std::stringstream text(text_of(golden() / "expected.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// A journal is kept without the zeros at its end; its header says how many they were.
std::string as_it_was(const std::string& name, std::string bytes) {
  constexpr size_t kSizeAt = 24;
  if (Journal::id_of(name) != 0)
    bytes.resize(load_little_endian<uint64_t>(bytes.data() + kSizeAt), '\0');
  return bytes;
}

std::vector<std::string> dumped(Disk& disk) {
  static std::vector<std::string> lines;  // the dump takes a plain function
  lines.clear();
  const auto done = dump_log(disk, [](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  EXPECT_TRUE(done) << (done ? "" : done.error().detail);
  return lines;
}

class GoldenTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& entry : std::filesystem::directory_iterator(golden() / "log")) {
      const auto name = entry.path().filename().string();
      disk.put(name, as_it_was(name, text_of(entry.path())));
    }
    ASSERT_FALSE(expected_lines().empty());
  }

  FakeDisk disk;
  LogFixture fixture{disk};
};

TEST_F(GoldenTest, AKeptLogIsReadAsTheSameEventsAndIsSound) {
  EXPECT_THAT(dumped(disk), ElementsAreArray(expected_lines()));

  const auto report = verify_log(disk);

  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_TRUE(report->sound) << report->text;
}

TEST_F(GoldenTest, AKeptLogIsOpenedWithoutALoss) {
  ASSERT_TRUE(fixture.open());

  EXPECT_THAT(fixture.log().damages(), IsEmpty());
  EXPECT_EQ(fixture.read_all({"**"}).size(), expected_lines().size());
  EXPECT_TRUE(fixture.log().checkpoint("$sys.health"));
  EXPECT_FALSE(fixture.log().bounds("brief"));
}

TEST_F(GoldenTest, AKeptLogGoesOnIsSealedAndStillReadAsTheSameEvents) {
  ASSERT_TRUE(fixture.open());
  const auto published = fixture.publish("new", "goes on");
  ASSERT_TRUE(published);
  ASSERT_TRUE(fixture.seal());
  fixture.close();

  auto lines = dumped(disk);

  ASSERT_GT(lines.size(), expected_lines().size());
  EXPECT_THAT(lines[expected_lines().size()], testing::HasSubstr("goes on"));
  lines.resize(expected_lines().size());
  EXPECT_THAT(lines, ElementsAreArray(expected_lines()));
}

TEST_F(GoldenTest, APowerLossRightAfterTheFirstStartCostsNothing) {
  ASSERT_TRUE(fixture.open());
  fixture.close();

  disk = disk.crash_hard();

  EXPECT_THAT(dumped(disk), ElementsAreArray(expected_lines()));
}

}  // namespace
}  // namespace carillon
