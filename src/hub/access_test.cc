#include "hub/access.h"

#include <gtest/gtest.h>

namespace carillon {
namespace {

constexpr std::string_view kToken = "0123456789abcdef-shop";
constexpr std::string_view kOperator = "0123456789abcdef-boss";

std::vector<TopicPattern> patterns(const std::vector<std::string>& texts) {
  std::vector<TopicPattern> all;
  for (const auto& text : texts) all.push_back(*TopicPattern::parse(text));
  return all;
}

TopicPattern pattern(std::string_view text) { return *TopicPattern::parse(text); }

Config config_with_tokens(HubMode mode = HubMode::serve) {
  Config config;
  config.mode = mode;
  config.public_subscribe = patterns({"news.*"});
  config.tokens.push_back({.token = std::string(kToken),
                           .publish = patterns({"orders.*"}),
                           .subscribe = patterns({"orders.**"})});
  config.tokens.push_back({.token = std::string(kOperator), .manage = true});
  return config;
}

TEST(Access, WithoutATokenNothingIsAllowedButWhatIsPublic) {
  const Access access(config_with_tokens());

  const auto rights = access.rights_of(std::nullopt, true);

  ASSERT_TRUE(rights);
  EXPECT_TRUE(rights->anonymous);
  EXPECT_TRUE(rights->may_subscribe(pattern("news.eu")));
  EXPECT_TRUE(rights->may_subscribe(pattern("news.*")));
  EXPECT_FALSE(rights->may_subscribe(pattern("orders.eu")));
  EXPECT_FALSE(rights->may_publish("news.eu"));
  EXPECT_FALSE(rights->may_publish("orders.eu"));
  EXPECT_FALSE(rights->may_manage());
}

TEST(Access, AnEmptyConfigAllowsNobodyAnything) {
  const Access access{Config()};

  const auto rights = access.rights_of(std::nullopt, true);

  ASSERT_TRUE(rights);
  EXPECT_FALSE(rights->may_publish("a"));
  EXPECT_FALSE(rights->may_subscribe(pattern("a")));
  EXPECT_FALSE(rights->may_manage());
}

TEST(Access, ATokenHasItsRightsAndThePublicOnes) {
  const Access access(config_with_tokens());

  const auto rights = access.rights_of(kToken, false);

  ASSERT_TRUE(rights);
  EXPECT_FALSE(rights->anonymous);
  EXPECT_TRUE(rights->may_publish("orders.eu"));
  EXPECT_FALSE(rights->may_publish("orders.eu.de"));
  EXPECT_TRUE(rights->may_subscribe(pattern("orders.eu.de")));
  EXPECT_TRUE(rights->may_subscribe(pattern("news.eu")));
  EXPECT_FALSE(rights->may_manage());
  EXPECT_TRUE(access.rights_of(kOperator, false)->may_manage());
  EXPECT_FALSE(access.rights_of(kOperator, false)->may_publish("orders.eu"));
}

TEST(Access, APatternWiderThanTheRightIsRefusedWhole) {
  const Access access(config_with_tokens());

  const auto rights = access.rights_of(kToken, false);

  EXPECT_FALSE(rights->may_subscribe(pattern("**")));
  EXPECT_FALSE(rights->may_subscribe(pattern("*.eu")));
  EXPECT_FALSE(rights->may_subscribe(pattern("*.*")));
  EXPECT_FALSE(rights->may_subscribe(pattern("news.**")));
  EXPECT_TRUE(rights->may_subscribe(pattern("orders.*.de")));
}

TEST(Access, AWrongTokenIsRefusedEvenWhereNoneIsNeeded) {
  EXPECT_FALSE(Access(config_with_tokens()).rights_of("0123456789abcdef-thief", true));
  EXPECT_FALSE(Access(config_with_tokens()).rights_of("", true));
  EXPECT_FALSE(Access(config_with_tokens()).rights_of(kToken.substr(1), true));
  EXPECT_FALSE(Access(config_with_tokens()).rights_of(std::string(kToken) + "x", true));
  EXPECT_FALSE(Access(Config{.mode = HubMode::dev}).rights_of("any", true));
}

TEST(Access, InDevWithoutTokensALoopbackPeerMayDoEverything) {
  const Access access{Config{.mode = HubMode::dev}};

  const auto near = access.rights_of(std::nullopt, true);
  const auto far = access.rights_of(std::nullopt, false);

  EXPECT_TRUE(near->may_publish("a") && near->may_subscribe(pattern("**")) && near->may_manage());
  EXPECT_FALSE(far->may_publish("a"));
  EXPECT_FALSE(far->may_subscribe(pattern("a")));
  EXPECT_FALSE(far->may_manage());
}

TEST(Access, InDevWithTokensALoopbackPeerNeedsOneToo) {
  const Access access(config_with_tokens(HubMode::dev));

  const auto rights = access.rights_of(std::nullopt, true);

  EXPECT_FALSE(rights->may_publish("orders.eu"));
  EXPECT_FALSE(rights->may_manage());
}

TEST(Access, NobodyPublishesToTheHubsOwnTopics) {
  Config config = config_with_tokens();
  config.tokens[0].publish = patterns({"**", "$sys.**"});

  EXPECT_FALSE(Access(config).rights_of(kToken, true)->may_publish("$sys.health"));
  EXPECT_FALSE(Access(Config{.mode = HubMode::dev})
                   .rights_of(std::nullopt, true)
                   ->may_publish("$sys.health"));
}

TEST(Access, TheHubsOwnTopicsAreReadOnlyWithARightThatNamesThem) {
  Config config = config_with_tokens();
  config.tokens[0].subscribe = patterns({"**"});
  EXPECT_FALSE(Access(config).rights_of(kToken, true)->may_subscribe(pattern("$sys.health")));

  config.tokens[0].subscribe = patterns({"$sys.*"});
  EXPECT_TRUE(Access(config).rights_of(kToken, true)->may_subscribe(pattern("$sys.health")));
}

TEST(Access, TheAuthorizationFieldCarriesABearerTokenWhateverTheCaseOfTheScheme) {
  const Access access(config_with_tokens());
  const auto given = [&](std::string_view scheme) {
    const auto rights = access.rights_for(std::string(scheme) + std::string(kToken), false);
    return rights && rights->may_publish("orders.eu");
  };

  EXPECT_TRUE(given("Bearer "));
  EXPECT_TRUE(given("bearer "));
  EXPECT_TRUE(given("BEARER   "));
  EXPECT_FALSE(given("Bearer"));
  EXPECT_FALSE(given("Token "));
  EXPECT_FALSE(given("Basic "));
  EXPECT_FALSE(given(""));
}

TEST(Access, AFieldThatIsNoBearerTokenIsAWrongTokenAndNoneIsNone) {
  const Access access(config_with_tokens());

  EXPECT_FALSE(access.rights_for("Basic dXNlcjpwYXNz", true));
  EXPECT_FALSE(access.rights_for("Bearer", true));
  EXPECT_FALSE(access.rights_for("Bearer ", true));
  EXPECT_TRUE(access.rights_for("", true)->anonymous);
}

}  // namespace
}  // namespace carillon
