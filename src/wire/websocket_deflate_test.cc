#include "wire/websocket_deflate.h"

#include <gmock/gmock.h>

namespace carillon {
namespace {

using testing::HasSubstr;
using testing::Not;

// The answer to one offer; empty: declined.
std::string answer_to(std::string_view offer) {
  const auto agreed = agree_on_deflate({offer});
  if (!agreed) return "refused";
  return *agreed ? (*agreed)->text() : "";
}

constexpr std::string_view kAnswer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

TEST(DeflateOffer, C_C4_2_AndC_C4_3_IsAnsweredWithoutContextOnBothSides) {
  EXPECT_EQ(answer_to("permessage-deflate"), kAnswer);
  EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover"), kAnswer);
  EXPECT_EQ(answer_to("permessage-deflate ; client_no_context_takeover"), kAnswer);
}

TEST(DeflateOffer, C_C4_1_OfUnknownRepeatedOrInvalidParametersIsDeclined) {
  for (const char* parameters :
       {"unknown", "server_no_context_takeover; server_no_context_takeover",
        "server_no_context_takeover=1", "client_max_window_bits=7", "client_max_window_bits=16",
        "client_max_window_bits=09", "client_max_window_bits=x", "server_max_window_bits",
        "server_max_window_bits=16"})
    EXPECT_EQ(answer_to(std::string("permessage-deflate; ") + parameters), "") << parameters;
}

TEST(DeflateOffer, C_C4_1_ThatIsDeclinedGivesWayToTheNext) {
  EXPECT_EQ(answer_to("permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10"),
            std::string(kAnswer) + "; server_max_window_bits=10");
}

TEST(DeflateOffer, C_C4_4_OfAWindowForTheHubIsKeptAndEchoed) {
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=9"),
            std::string(kAnswer) + "; server_max_window_bits=9");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=\"15\""),
            std::string(kAnswer) + "; server_max_window_bits=15");
  // zlib's raw deflate cannot do with 8.
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=8"), "");
}

TEST(DeflateOffer, C_C4_5_OfAWindowForTheClientNeedsNoAnswer) {
  EXPECT_THAT(answer_to("permessage-deflate; client_max_window_bits"),
              Not(HasSubstr("client_max_window_bits")));
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=8"), kAnswer);
}

TEST(Deflater, EachWindowIsReadBackAndRepeatsItselfForEachMessage) {
  std::string message;
  for (int i = 0; i < 5'000; ++i) message += "event " + std::to_string(i * 7919 % 1000) + " ";
  for (int bits = kDeflateBitsMin; bits <= kDeflateBitsMax; ++bits) {
    Deflater deflater(bits);
    std::string first;
    std::string second;
    deflater.append(first, message);
    deflater.append(second, message);
    Inflater inflater;
    std::string back;

    EXPECT_EQ(inflater.feed(first, back, message.size()), Inflater::State::good);
    EXPECT_EQ(inflater.finish(back, message.size()), Inflater::State::good);

    EXPECT_EQ(back, message) << bits;
    EXPECT_EQ(first, second) << "no context is taken over";
    EXPECT_LT(first.size(), message.size() / 2);
  }
}

}  // namespace
}  // namespace carillon
