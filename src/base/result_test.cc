#include "base/result.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>

namespace carillon {
namespace {

Result<int> half_of(int number) {
  if (number % 2 != 0) return fail(Errc::bad_input, "{} is odd: give {}", number, number + 1);
  return number / 2;
}

Result<int> quarter_of(int number) {
  TRY(const int half, half_of(number));
  TRY(const int quarter, half_of(half));
  return quarter;
}

Result<> check_even(int number) {
  TRY(half_of(number));
  return {};
}

Result<std::unique_ptr<int>> boxed(int number) {
  TRY(const int half, half_of(number));
  return std::make_unique<int>(half);
}

Result<int> unboxed(int number) {
  TRY(auto box, boxed(number));
  return *box;
}

TEST(Result, AFailureSaysWhatTheCallerCanDoAndWhatAHumanMustKnow) {
  const auto result = half_of(7);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::bad_input);
  EXPECT_EQ(result.error().detail, "7 is odd: give 8");
}

TEST(Result, TryHandsTheFirstFailureOnwardsUnchanged) {
  EXPECT_EQ(quarter_of(12), 3);
  ASSERT_FALSE(quarter_of(6));
  EXPECT_EQ(quarter_of(6).error().detail, "3 is odd: give 4");
  EXPECT_EQ(quarter_of(5).error().detail, "5 is odd: give 6");
}

TEST(Result, TryWithoutADeclarationServesResultsWithoutAValue) {
  EXPECT_TRUE(check_even(2));
  EXPECT_FALSE(check_even(3));
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  EXPECT_EQ(unboxed(8), 4);
  EXPECT_FALSE(unboxed(9));
}

TEST(Result, TryEvaluatesItsExpressionOnce) {
  int calls = 0;
  const auto count = [&]() -> Result<int> {
    ++calls;
    return 1;
  };
  const auto once = [&]() -> Result<> {
    TRY(const int one, count());
    EXPECT_EQ(one, 1);
    TRY(count());
    return {};
  };

  EXPECT_TRUE(once());

  EXPECT_EQ(calls, 2);
}

TEST(Result, EveryErrorCodeHasItsOwnName) {
  constexpr std::array kAll = {Errc::bad_input, Errc::not_found, Errc::conflict,    Errc::too_large,
                               Errc::too_many,  Errc::denied,    Errc::unavailable, Errc::full,
                               Errc::corrupt,   Errc::io,        Errc::busy};
  std::set<std::string_view> names;
  for (const Errc code : kAll) names.insert(name_of(code));

  EXPECT_EQ(names.size(), kAll.size());
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace carillon
