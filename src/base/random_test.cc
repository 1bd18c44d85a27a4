#include "base/random.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cctype>
#include <set>

namespace carillon {
namespace {

WallTime at_millisecond(int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

TEST(SeededRandom, TheSameSeedGivesTheSameSequence) {
  SeededRandom first(7);
  SeededRandom second(7);
  SeededRandom other(8);

  EXPECT_EQ(first.next(), second.next());
  EXPECT_EQ(first.next(), second.next());
  EXPECT_NE(first.next(), other.next());
}

TEST(SeededRandom, IsSplitmix64AsItsAuthorsPublishedIt) {
  // Steele, Lea and Flood: the first values of seed 1234567.
  SeededRandom random(1234567);

  EXPECT_EQ(random.next(), 6457827717110365317U);
  EXPECT_EQ(random.next(), 3203168211198807973U);
  EXPECT_EQ(random.next(), 9817491932198370423U);
}

RC_GTEST_PROP(Random, BelowStaysBelow, (uint64_t seed)) {
  const auto bound = *rc::gen::suchThat<uint64_t>([](uint64_t value) { return value > 0; });
  SeededRandom random(seed);

  for (int i = 0; i < 32; ++i) RC_ASSERT(random.below(bound) < bound);
}

TEST(Random, BelowReachesEveryValueAboutEquallyOften) {
  SeededRandom random(1);
  std::array<int, 10> counts{};

  for (int i = 0; i < 10'000; ++i) ++counts.at(random.below(10));

  for (const int count : counts) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1'150);
  }
}

TEST(Random, BelowOneIsZero) {
  SeededRandom random(1);

  EXPECT_EQ(random.below(1), 0U);
}

TEST(SystemRandom, DoesNotRepeatItselfOverSeveralBuffers) {
  SystemRandom random;
  std::set<uint64_t> seen;

  for (int i = 0; i < 1'000; ++i) seen.insert(random.next());

  EXPECT_EQ(seen.size(), 1'000U);
}

RC_GTEST_PROP(UuidV7, HasTheFormOfRfc9562, (uint64_t seed)) {
  SeededRandom random(seed);
  const auto time = at_millisecond(*rc::gen::inRange<int64_t>(0, int64_t{1} << 48));

  const auto text = make_uuid_v7(time, random);

  RC_ASSERT(text.size() == 36U);
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    RC_ASSERT((text[i] == '-') == dash);
    if (!dash) RC_ASSERT(std::string_view("0123456789abcdef").contains(text[i]));
  }
  RC_ASSERT(text[14] == '7');
  RC_ASSERT(std::string_view("89ab").contains(text[19]));
}

TEST(UuidV7, BeginsWithTheMillisecondOfTheRfcsExample) {
  // RFC 9562 appendix A.6: 2022-02-22T19:22:22Z.
  SeededRandom random(1);

  const auto text = make_uuid_v7(at_millisecond(1'645'557'742'000), random);

  EXPECT_EQ(text.substr(0, 15), "017f22e2-79b0-7");
}

RC_GTEST_PROP(UuidV7, AnIdOfALaterMillisecondSortsBehind, (uint64_t seed)) {
  SeededRandom random(seed);
  const auto early = *rc::gen::inRange<int64_t>(0, (int64_t{1} << 48) - 2);
  const auto later = *rc::gen::inRange<int64_t>(early + 1, int64_t{1} << 48);

  const auto first = make_uuid_v7(at_millisecond(early), random);
  const auto second = make_uuid_v7(at_millisecond(later), random);

  RC_ASSERT(first < second);
}

TEST(UuidV7, IdsOfOneMillisecondDiffer) {
  SeededRandom random(1);
  std::set<std::string> seen;

  for (int i = 0; i < 1'000; ++i) seen.insert(make_uuid_v7(at_millisecond(1), random));

  EXPECT_EQ(seen.size(), 1'000U);
}

}  // namespace
}  // namespace carillon
