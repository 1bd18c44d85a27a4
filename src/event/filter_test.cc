#include "event/filter.h"

#include <gtest/gtest.h>

#include "testing/stored_event.h"

namespace carillon {
namespace {

StoredEvent stored(std::string type, std::string subject) {
  return {{.type = std::move(type), .subject = std::move(subject)}, "a", Position{1}, WallTime{}};
}

TEST(Filter, AnEmptyOneLetsEverythingThrough) {
  EXPECT_TRUE(Filter().empty());
  EXPECT_TRUE(Filter().matches(stored("a", "b").view()));
}

TEST(Filter, ATermWithoutStarIsTheWholeValue) {
  const auto event = stored("order.placed", "o/1");

  EXPECT_TRUE((Filter{.type = "order.placed"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "order.place"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "order.placed2"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "Order.placed"}).matches(event.view()));
  EXPECT_TRUE((Filter{.subject = "o/1"}).matches(event.view()));
  EXPECT_FALSE((Filter{.subject = "o"}).matches(event.view()));
}

TEST(Filter, ATrailingStarMakesATermAPrefix) {
  const auto event = stored("order.placed", "o/1");

  EXPECT_TRUE((Filter{.type = "order.*"}).matches(event.view()));
  EXPECT_TRUE((Filter{.type = "order.placed*"}).matches(event.view()));
  EXPECT_TRUE((Filter{.type = "*"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "orders*"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "order.placed.*"}).matches(event.view()));
}

TEST(Filter, AStarElsewhereIsJustAStar) {
  EXPECT_FALSE((Filter{.type = "*.placed"}).matches(stored("order.placed", "").view()));
  EXPECT_TRUE((Filter{.type = "*.placed"}).matches(stored("*.placed", "").view()));
  EXPECT_TRUE((Filter{.type = "a**"}).matches(stored("a*b", "").view()));
  EXPECT_FALSE((Filter{.type = "a**"}).matches(stored("ab", "").view()));
}

TEST(Filter, BothTermsMustHold) {
  const auto event = stored("order.placed", "o/1");

  EXPECT_TRUE((Filter{.type = "order.*", .subject = "o/*"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "order.*", .subject = "p/*"}).matches(event.view()));
  EXPECT_FALSE((Filter{.type = "invoice.*", .subject = "o/*"}).matches(event.view()));
}

TEST(Filter, AnEventWithoutTypeHasTheDefaultOneAndWithoutSubjectAnEmptyOne) {
  const auto event = stored("", "");

  EXPECT_TRUE((Filter{.type = "carillon.event"}).matches(event.view()));
  EXPECT_TRUE((Filter{.type = "carillon.*"}).matches(event.view()));
  EXPECT_TRUE((Filter{.subject = "*"}).matches(event.view()));
  EXPECT_FALSE((Filter{.subject = "a"}).matches(event.view()));
}

}  // namespace
}  // namespace carillon
