#include "wire/accept.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>

namespace carillon {
namespace {

constexpr std::array<std::string_view, 3> kOffers = {"application/json", "text/event-stream",
                                                     "text/html"};

std::string_view chosen(std::string_view accept) {
  const auto choice = choose_media_type(accept, kOffers);
  return choice ? kOffers.at(*choice) : "nothing";
}

TEST(Accept, WithoutAWishOurFirstOfferIsTaken) {
  EXPECT_EQ(chosen(""), "application/json");
  EXPECT_EQ(chosen("  "), "application/json");
  EXPECT_EQ(chosen("*/*"), "application/json");
  EXPECT_FALSE(choose_media_type("", {}));
  EXPECT_FALSE(choose_media_type("*/*", {}));
}

TEST(Accept, ANamedTypeIsTakenWhateverItsCase) {
  EXPECT_EQ(chosen("text/event-stream"), "text/event-stream");
  EXPECT_EQ(chosen("Text/Event-Stream"), "text/event-stream");
  EXPECT_EQ(chosen("text/html;charset=utf-8"), "text/html");
}

TEST(Accept, ATypeThatIsNotOfferedIsNotReplacedByAnother) {
  EXPECT_EQ(chosen("image/png"), "nothing");
  EXPECT_EQ(chosen("text/plain, image/*"), "nothing");
  EXPECT_EQ(chosen("text"), "nothing");
  EXPECT_EQ(chosen("text/event"), "nothing");
  EXPECT_EQ(chosen("application/json+x"), "nothing");
}

TEST(Accept, TheHigherQualityWins) {
  EXPECT_EQ(chosen("application/json;q=0.4, text/html;q=0.5"), "text/html");
  EXPECT_EQ(chosen("text/html; q=0.5 , application/json ; q=0.9"), "application/json");
  EXPECT_EQ(chosen("application/json;Q=0.1, text/html"), "text/html");
}

TEST(Accept, AtEqualQualityTheMoreExactNameWins) {
  EXPECT_EQ(chosen("*/*, text/html"), "text/html");
  EXPECT_EQ(chosen("text/*, application/json"), "application/json");
  EXPECT_EQ(chosen("text/*"), "text/event-stream");
}

TEST(Accept, WhatBrowsersSendMeansHtmlAndWhatCurlSendsMeansJson) {
  EXPECT_EQ(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
            "text/html");
  EXPECT_EQ(chosen("*/*"), "application/json");
}

TEST(Accept, TheMoreExactRangeSaysHowMuchATypeIsLiked) {
  EXPECT_EQ(chosen("text/*;q=0.9, text/html;q=0.1, application/json;q=0.5"), "text/event-stream");
  EXPECT_EQ(chosen("*/*;q=0.9, application/json;q=0.1, text/event-stream;q=0.1"), "text/html");
}

TEST(Accept, QualityZeroMeansNotAtAll) {
  EXPECT_EQ(chosen("application/json;q=0"), "nothing");
  EXPECT_EQ(chosen("application/json;q=0.000, */*"), "text/event-stream");
  EXPECT_EQ(chosen("*/*;q=0"), "nothing");
  EXPECT_EQ(chosen("*/*, text/*;q=0, application/json;q=0"), "nothing");
}

TEST(Accept, AQualityThatIsNoNumberIsNoWish) {
  EXPECT_EQ(chosen("text/html;q=high"), "nothing");
  EXPECT_EQ(chosen("text/html;q="), "nothing");
  EXPECT_EQ(chosen("text/html;q=-1"), "nothing");
  EXPECT_EQ(chosen("text/html;q=5"), "nothing");
  EXPECT_EQ(chosen("text/html;q=nan"), "nothing");
}

TEST(Accept, OtherParametersMayStandBeforeTheQuality) {
  EXPECT_EQ(chosen("text/html;level=1;q=0.2, application/json;q=0.3"), "application/json");
}

TEST(Accept, EmptyListItemsArePassedOver) { EXPECT_EQ(chosen(", ,text/html,,"), "text/html"); }

RC_GTEST_PROP(Accept, AnyTextIsAnsweredWithAnOfferOrNone, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('*', '/', ',', ';', 'q', '=', '0', '.', '5', ' ', 't', 'e', 'x'));

  const auto choice = choose_media_type(text, kOffers);

  RC_ASSERT((!choice || *choice < kOffers.size()));
}

}  // namespace
}  // namespace carillon
