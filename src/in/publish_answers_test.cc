#include "in/publish_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json_check.h"

namespace carillon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Epoch kEpoch{36};  // `10`
constexpr WallTime kStored{std::chrono::microseconds(1'769'851'800'000'000)};

std::string field(const Response& response, std::string_view name) {
  for (const auto& one : response.fields) {
    if (one.name == name) return one.value;
  }
  return {};
}

TEST(PublishAnswers, AStoredEventIs201WithItsPlaceAndCursor) {
  const auto response = published_response({.first = Position{7},
                                            .last = Position{7},
                                            .stored = 1,
                                            .stored_at = kStored,
                                            .durability = Durability::memory},
                                           "orders.eu", "o-1", kEpoch);

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(field(response, "location"), "/t/orders.eu/events/10-7");
  EXPECT_EQ(field(response, "carillon-cursor"), "10-7");
  EXPECT_EQ(field(response, "content-type"), "application/json");
  EXPECT_EQ(response.body,
            R"({"id":"o-1","topic":"orders.eu","cursor":"10-7","time":"2026-01-31T09:30:00Z",)"
            R"("durability":"memory"})"
            "\n");
}

TEST(PublishAnswers, ARepeatIs200WithTheIdThatWasMadeForTheFirst) {
  const auto response = published_response({.first = Position{7},
                                            .last = Position{7},
                                            .repeated = 1,
                                            .repeat = true,
                                            .stored_at = kStored,
                                            .id = "made-first"},
                                           "a", "made-now", kEpoch);

  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("id":"made-first")"));
  EXPECT_THAT(response.body, HasSubstr(R"("cursor":"10-7")"));
}

TEST(PublishAnswers, AnIdOfStrangersStaysOneJsonString) {
  const auto response =
      published_response({.last = Position{1}}, "a", "\",\"x\":\"\xc3\xbc", kEpoch);

  EXPECT_TRUE(check_json(response.body));
  EXPECT_THAT(response.body, HasSubstr(R"({"id":"\",\"x\":\")"));
}

TEST(PublishAnswers, ABatchIs201WithItsFirstAndLastCursor) {
  const auto response =
      batch_response({.first = Position{7}, .last = Position{9}, .stored = 3}, kEpoch);

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"count\":3,\"first\":\"10-7\",\"cursor\":\"10-9\"}\n");
  EXPECT_EQ(field(response, "carillon-cursor"), "10-9");
}

TEST(PublishAnswers, ItemsLeftOutOfABatchAreCounted) {
  const auto response = batch_response(
      {.first = Position{7}, .last = Position{8}, .stored = 2, .repeated = 1}, kEpoch);

  EXPECT_EQ(response.status, 201);
  EXPECT_THAT(response.body, HasSubstr(R"("count":2)"));
  EXPECT_THAT(response.body, HasSubstr(R"("repeated":1)"));
}

TEST(PublishAnswers, ARepeatedBatchIs200WithTheFirstAnswer) {
  const auto response = batch_response(
      {.first = Position{7}, .last = Position{9}, .repeated = 3, .repeat = true}, kEpoch);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"count\":3,\"first\":\"10-7\",\"cursor\":\"10-9\"}\n");
}

TEST(PublishAnswers, ABatchOfNothingNewHasNoCursor) {
  const auto response = batch_response({.repeated = 2}, kEpoch);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"count\":0,\"first\":null,\"cursor\":null,\"repeated\":2}\n");
  EXPECT_EQ(field(response, "carillon-cursor"), "");
}

TEST(PublishAnswers, AnEmptyBatchIs201AndCountsNothing) {
  const auto response = batch_response({}, kEpoch);

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"count\":0,\"first\":null,\"cursor\":null}\n");
}

TEST(PublishAnswers, EventsThatCannotBeTakenAreProblemsOfTheirOwnKind) {
  const auto large = bad_event_response({Errc::too_large, "too much"});
  const auto broken = bad_event_response({Errc::bad_input, std::string(kBrokenJson) + "line 1"});
  const auto wrong = bad_event_response({Errc::bad_input, "no type"});

  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.body, HasSubstr("/problems/payload-too-large"));
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("/problems/bad-json"));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("/problems/bad-event"));
  EXPECT_EQ(field(wrong, "content-type"), "application/problem+json");
}

TEST(PublishAnswers, WhatTheLogRefusesSaysWhetherToTryAgain) {
  EXPECT_EQ(publish_error_response({Errc::conflict, ""}).status, 409);
  EXPECT_EQ(publish_error_response({Errc::unavailable, ""}).status, 503);
  EXPECT_EQ(field(publish_error_response({Errc::unavailable, ""}), "retry-after"), "1");
  EXPECT_EQ(publish_error_response({Errc::full, ""}).status, 507);
  EXPECT_EQ(publish_error_response({Errc::too_many, ""}).status, 429);
  EXPECT_EQ(publish_error_response({Errc::too_large, ""}).status, 413);
  EXPECT_EQ(publish_error_response({Errc::io, ""}).status, 500);
}

}  // namespace
}  // namespace carillon
