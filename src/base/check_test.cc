#include "base/check.h"

#include <gtest/gtest.h>

namespace carillon {
namespace {

TEST(CheckDeathTest, ABrokenInvariantEndsTheProcessNamingItsPlace) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "check_test.cc:[0-9]+: CHECK failed: 1 \\+ 1 == 3");
}

TEST(CheckDeathTest, AHeldInvariantDoesNothingAndIsEvaluatedOnce) {
  int evaluations = 0;

  CHECK(++evaluations == 1);

  EXPECT_EQ(evaluations, 1);
}

TEST(CheckDeathTest, IsOneStatementUnderAnIfWithoutBraces) {
  bool other = false;
  if (other)
    CHECK(false);
  else
    other = true;

  EXPECT_TRUE(other);
}

}  // namespace
}  // namespace carillon
