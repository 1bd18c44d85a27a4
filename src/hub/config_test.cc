#include "hub/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cctype>

namespace carillon {
namespace {

using std::chrono::milliseconds;
using std::string_view_literals::operator""sv;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One key, a value that differs from its default, and how to see that it was taken.
struct Sample {
  std::string key;
  std::string value;
  bool (*taken)(const Config&);
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = {
      {"listen", "[::1]:9", [](const Config& c) { return c.listen == "[::1]:9"; }},
      {"data", "/var/x", [](const Config& c) { return c.data == "/var/x"; }},
      {"public_url", "https://hub.example/",
       [](const Config& c) { return c.public_url == "https://hub.example"; }},
      {"origins", "https://a.example, https://b.example",
       [](const Config& c) {
         return c.origins.size() == 2 && c.origins[1] == "https://b.example";
       }},
      {"hosts", "a.example,b.example",
       [](const Config& c) { return c.hosts.size() == 2 && c.hosts[0] == "a.example"; }},
      {"loops", "3", [](const Config& c) { return c.loops == 3; }},
      {"journal_bytes", "2MiB", [](const Config& c) { return c.journal_bytes == 2 << 20; }},
      {"log_bytes", "10GB", [](const Config& c) { return c.log_bytes == 10'000'000'000; }},
      {"tail_bytes", "1KiB", [](const Config& c) { return c.tail_bytes == 1024; }},
      {"stall", "1m", [](const Config& c) { return c.stall == std::chrono::minutes(1); }},
      {"heartbeat", "1500ms", [](const Config& c) { return c.heartbeat == milliseconds(1500); }},
      {"websocket_deflate", "true", [](const Config& c) { return c.websocket_deflate; }},
      {"retention.age", "2h",
       [](const Config& c) { return c.retention.age == std::chrono::hours(2); }}};
  return kSamples;
}

std::string variable_of(std::string key) {
  for (char& c : key)
    c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "CARILLON_" + key;
}

Result<std::vector<std::string>> apply_variables(Config& config,
                                                 const std::vector<std::string>& variables) {
  std::vector<const char*> entries;
  for (const auto& variable : variables) entries.push_back(variable.c_str());
  entries.push_back(nullptr);
  return apply_environment(config, entries.data());
}

TEST(Config, EveryKeyIsSetByItsName) {
  for (const Sample& sample : samples()) {
    Config config;
    EXPECT_FALSE(sample.taken(config)) << sample.key;
    EXPECT_TRUE(apply_setting(config, sample.key, sample.value)) << sample.key;
    EXPECT_TRUE(sample.taken(config)) << sample.key;
  }
}

TEST(Config, EveryKeyIsSetByItsVariable) {
  for (const Sample& sample : samples()) {
    Config config;
    const auto unknown = apply_variables(config, {variable_of(sample.key) + "=" + sample.value});
    ASSERT_TRUE(unknown) << sample.key;
    EXPECT_THAT(*unknown, IsEmpty());
    EXPECT_TRUE(sample.taken(config)) << sample.key;
  }
}

TEST(Config, EveryKeyHasAWordOfHelpAndASampleHere) {
  std::vector<std::string> keys;
  for (const auto& [key, help] : setting_help()) {
    keys.emplace_back(key);
    EXPECT_FALSE(help.empty()) << key;
  }
  std::vector<std::string> sampled;
  for (const Sample& sample : samples()) sampled.push_back(sample.key);
  std::ranges::sort(sampled);

  EXPECT_EQ(keys, sampled);
}

TEST(Config, AnUnknownKeyIsRefusedByName) {
  Config config;

  const auto applied = apply_setting(config, "listn", "1");

  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Errc::bad_input);
  EXPECT_THAT(applied.error().detail, HasSubstr("'listn'"));
}

TEST(Config, AValueThatIsNoneIsRefusedByKeyAndValue) {
  constexpr std::pair<std::string_view, std::string_view> kBad[] = {{"loops", "many"},
                                                                    {"loops", "257"},
                                                                    {"loops", "-1"},
                                                                    {"loops", ""},
                                                                    {"journal_bytes", "1X"},
                                                                    {"log_bytes", "ten"},
                                                                    {"tail_bytes", "1.5MB"},
                                                                    {"stall", "30"},
                                                                    {"heartbeat", "soon"},
                                                                    {"retention.age", "7"},
                                                                    {"retention.age", ""},
                                                                    {"public_url", "hub.example"},
                                                                    {"websocket_deflate", "yes"}};
  for (const auto& [key, value] : kBad) {
    Config config;
    const auto applied = apply_setting(config, key, value);
    ASSERT_FALSE(applied) << key << " = " << value;
    EXPECT_EQ(applied.error().code, Errc::bad_input);
    EXPECT_THAT(applied.error().detail, HasSubstr(std::string(key))) << value;
    EXPECT_THAT(applied.error().detail, HasSubstr("'" + std::string(value) + "'"));
  }
}

TEST(Config, UnknownVariablesAreReturnedToBeWarnedOf) {
  Config config;

  const auto unknown = apply_variables(
      config, {"CARILLON_LISTN=1", "PATH=/bin", "CARILLON_TOKEN=t", "CARILLON_SERVER=s",
               "CARILLONX=1", "CARILLON_LOOPS=2", "CARILLON_=x"});

  ASSERT_TRUE(unknown);
  EXPECT_THAT(*unknown, ElementsAre("CARILLON_LISTN", "CARILLON_"));
  EXPECT_EQ(config.loops, 2U);
}

TEST(Config, AVariableWithABadValueIsRefused) {
  Config config;

  const auto applied = apply_variables(config, {"CARILLON_RETENTION_AGE=weeks"});

  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().detail, HasSubstr("'weeks'"));
}

TEST(Config, AVariablesValueMayHoldAnEqualsSign) {
  Config config;

  EXPECT_TRUE(apply_variables(config, {"CARILLON_DATA=/a=b"}));

  EXPECT_EQ(config.data, "/a=b");
}

TEST(Config, DurationsHaveAUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_duration("15m"), milliseconds(900'000));
  EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
  for (const auto text :
       {""sv, "30"sv, "s"sv, "-1s"sv, "+1s"sv, "1.5h"sv, "1 s"sv, " 1s"sv, "1s "sv, "1S"sv, "1w"sv,
        "1y"sv, "1h30m"sv, "1ms1"sv, "0x1s"sv, "1\0s"sv}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Config, DurationsBeyondTenThousandYearsAreRefusedBeforeTheyOverflow) {
  EXPECT_TRUE(parse_duration("3650000d"));
  EXPECT_FALSE(parse_duration("3650001d"));
  EXPECT_FALSE(parse_duration("18446744073709551615d"));
  EXPECT_FALSE(parse_duration("18446744073709551615ms"));
  EXPECT_FALSE(parse_duration("99999999999999999999s"));
}

TEST(Config, SizesMayHaveABinaryOrADecimalUnit) {
  EXPECT_EQ(parse_bytes("1000"), 1'000U);
  EXPECT_EQ(parse_bytes("1KiB"), 1'024U);
  EXPECT_EQ(parse_bytes("64MiB"), 64U << 20);
  EXPECT_EQ(parse_bytes("2GiB"), 2ULL << 30);
  EXPECT_EQ(parse_bytes("1TiB"), 1ULL << 40);
  EXPECT_EQ(parse_bytes("1KB"), 1'000U);
  EXPECT_EQ(parse_bytes("5MB"), 5'000'000U);
  EXPECT_EQ(parse_bytes("10GB"), 10'000'000'000U);
  EXPECT_EQ(parse_bytes("1TB"), 1'000'000'000'000U);
  EXPECT_EQ(parse_bytes("0"), 0U);
  for (const auto text :
       {""sv, "B"sv, "1B"sv, "1 MB"sv, "-1"sv, "1.5GB"sv, "1mb"sv, "1Mb"sv, "1M"sv, "MB"sv,
        "1GB "sv, "1PB"sv, "18446744073709551616"sv, "99999999TiB"sv}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
}

RC_GTEST_PROP(Config, APlainNumberIsItsSize, (uint64_t bytes)) {
  RC_ASSERT(parse_bytes(std::to_string(bytes)) == bytes);
}

TEST(Config, AShortTokenIsRefusedWithoutBeingShown) {
  Config config;
  config.tokens.push_back({.token = "hunter2-hunter2"});

  const auto checked = check_config(config);

  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::bad_input);
  EXPECT_THAT(checked.error().detail, HasSubstr("15 characters"));
  EXPECT_EQ(checked.error().detail.find("hunter2"), std::string::npos);
  config.tokens[0].token += "!";
  EXPECT_TRUE(check_config(config));
}

TEST(Config, ATokenTableWithoutATokenIsRefused) {
  Config config;
  config.tokens.emplace_back();

  EXPECT_FALSE(check_config(config));
}

TEST(Config, AHeartbeatThatWouldFloodStreamsIsRefused) {
  EXPECT_TRUE(check_config({.heartbeat = milliseconds(1000)}));
  EXPECT_FALSE(check_config({.heartbeat = milliseconds(999)}));
}

TEST(Config, AJournalIsBetweenOneMebibyteAndOneGibibyteOrChosenByTheHub) {
  EXPECT_TRUE(check_config({.journal_bytes = 0}));
  EXPECT_TRUE(check_config({.journal_bytes = 1ULL << 20}));
  EXPECT_TRUE(check_config({.journal_bytes = 1ULL << 30}));
  EXPECT_FALSE(check_config({.journal_bytes = (1ULL << 20) - 1}));
  EXPECT_FALSE(check_config({.journal_bytes = (1ULL << 30) + 1}));
}

TEST(Config, TheDefaultsAreSoundAndAsTheDesignSays) {
  const Config config;

  EXPECT_TRUE(check_config(config));
  EXPECT_EQ(config.listen, "127.0.0.1:8080");
  EXPECT_EQ(config.data, "./carillon-data");
  EXPECT_EQ(config.stall, std::chrono::seconds(30));
  EXPECT_EQ(config.heartbeat, milliseconds(15'000));
  EXPECT_EQ(config.tail_bytes, 64ULL << 20);
  EXPECT_EQ(config.retention.age, std::chrono::hours(24 * 7));
}

TEST(Config, TheFirstTopicsPatternThatMatchesWins) {
  Config config;
  config.topics.push_back({.pattern = *TopicPattern::parse("ticks.eu"),
                           .durability = Durability::disk,
                           .retention = {.count = 5}});
  config.topics.push_back(
      {.pattern = *TopicPattern::parse("ticks.*"), .durability = Durability::memory});
  config.topics.push_back({.pattern = *TopicPattern::parse("**"), .retention = {.count = 9}});

  EXPECT_EQ(config.settings_for("ticks.eu").durability, Durability::disk);
  EXPECT_EQ(config.settings_for("ticks.eu").retention.count, 5U);
  EXPECT_EQ(config.settings_for("ticks.us").durability, Durability::memory);
  EXPECT_FALSE(config.settings_for("ticks.us").retention.count);
  EXPECT_EQ(config.settings_for("other").retention.count, 9U);
}

TEST(Config, ATopicWithoutAnAgeOfItsOwnHasTheGeneralOne) {
  Config config;
  config.retention.age = std::chrono::seconds(5);
  config.topics.push_back({.pattern = *TopicPattern::parse("a"), .retention = {.count = 1}});
  config.topics.push_back(
      {.pattern = *TopicPattern::parse("b"), .retention = {.age = std::chrono::seconds(9)}});

  EXPECT_EQ(config.settings_for("a").retention.age, std::chrono::seconds(5));
  EXPECT_EQ(config.settings_for("b").retention.age, std::chrono::seconds(9));
  EXPECT_EQ(config.settings_for("c").retention.age, std::chrono::seconds(5));
}

TEST(Config, TheHubsOwnTopicsAreMemoryButThatOfWebhooksWhateverThePatternsSay) {
  Config config;
  config.topics.push_back({.pattern = *TopicPattern::parse("$sys.**"),
                           .durability = Durability::disk,
                           .retention = {.count = 1}});

  EXPECT_EQ(config.settings_for("$sys.health").durability, Durability::memory);
  EXPECT_EQ(config.settings_for("$sys.presence.a").durability, Durability::memory);
  EXPECT_EQ(config.settings_for("$sys.webhooks").durability, Durability::disk);
}

TEST(Config, TheMemoryPatternsAreThoseOfTheConfigAndTheHubsOwn) {
  Config config;
  config.topics.push_back(
      {.pattern = *TopicPattern::parse("ticks.*"), .durability = Durability::memory});
  config.topics.push_back({.pattern = *TopicPattern::parse("orders.*")});
  std::vector<std::string> texts;
  for (const auto& pattern : config.memory_patterns()) texts.push_back(pattern.text());

  EXPECT_THAT(texts, ElementsAre("ticks.*", "$sys.presence.**", "$sys.health"));
}

}  // namespace
}  // namespace carillon
