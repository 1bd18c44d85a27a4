#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/config.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Config read(std::string_view document) {
  Config config;
  const auto applied = apply_toml(config, document, "carillon.toml");
  EXPECT_TRUE(applied) << (applied ? "" : applied.error().detail);
  return config;
}

std::string refused(std::string_view document) {
  Config config;
  const auto applied = apply_toml(config, document, "carillon.toml");
  EXPECT_FALSE(applied) << document;
  if (applied) return {};
  EXPECT_EQ(applied.error().code, Errc::bad_input);
  return applied.error().detail;
}

TEST(ConfigToml, AnEmptyDocumentChangesNothing) {
  EXPECT_EQ(show_config(read("")), show_config(Config()));
  EXPECT_EQ(show_config(read("# only a comment\n")), show_config(Config()));
}

TEST(ConfigToml, EveryKeyWithOneValueIsRead) {
  const auto config = read(R"(
    listen = "0.0.0.0:80"
    data = "/var/lib/carillon"
    public_url = "https://hub.example"
    origins = ["https://a.example", "https://b.example"]
    hosts = ["hub.internal"]
    loops = 4
    journal_bytes = "8MiB"
    log_bytes = 5000000000
    tail_bytes = "16MiB"
    stall = "10s"
    heartbeat = "5s"
    websocket_deflate = true
    retention = { age = "30d" }
  )");

  EXPECT_EQ(config.listen, "0.0.0.0:80");
  EXPECT_EQ(config.data, "/var/lib/carillon");
  EXPECT_EQ(config.public_url, "https://hub.example");
  EXPECT_THAT(config.origins, testing::ElementsAre("https://a.example", "https://b.example"));
  EXPECT_THAT(config.hosts, testing::ElementsAre("hub.internal"));
  EXPECT_EQ(config.loops, 4U);
  EXPECT_EQ(config.journal_bytes, 8U << 20);
  EXPECT_EQ(config.log_bytes, 5'000'000'000U);
  EXPECT_EQ(config.tail_bytes, 16U << 20);
  EXPECT_EQ(config.stall, std::chrono::seconds(10));
  EXPECT_EQ(config.heartbeat, std::chrono::milliseconds(5'000));
  EXPECT_TRUE(config.websocket_deflate);
  EXPECT_EQ(config.retention.age, std::chrono::hours(24 * 30));
}

TEST(ConfigToml, TokensHavePatternsAndTheRightToManage) {
  const auto config = read(R"(
    [[tokens]]
    token = "0123456789abcdef"
    publish = ["orders.*", "news"]
    subscribe = ["**"]

    [[tokens]]
    token = "fedcba9876543210"
    manage = true
  )");

  ASSERT_EQ(config.tokens.size(), 2U);
  EXPECT_EQ(config.tokens[0].token, "0123456789abcdef");
  ASSERT_EQ(config.tokens[0].publish.size(), 2U);
  EXPECT_EQ(config.tokens[0].publish[0].text(), "orders.*");
  EXPECT_EQ(config.tokens[0].subscribe.at(0).text(), "**");
  EXPECT_FALSE(config.tokens[0].manage);
  EXPECT_TRUE(config.tokens[1].manage);
  EXPECT_TRUE(config.tokens[1].publish.empty());
}

TEST(ConfigToml, TopicsKeepTheirOrderSoThatTheFirstWins) {
  const auto config = read(R"(
    [[topics]]
    pattern = "ticks.*"
    durability = "memory"

    [[topics]]
    pattern = "**"
    retention = { age = "1d", count = 1000, bytes = "1MB" }
  )");

  ASSERT_EQ(config.topics.size(), 2U);
  EXPECT_EQ(config.settings_for("ticks.a").durability, Durability::memory);
  const auto retention = config.settings_for("ticks").retention;
  EXPECT_EQ(retention.age, std::chrono::hours(24));
  EXPECT_EQ(retention.count, 1'000U);
  EXPECT_EQ(retention.bytes, 1'000'000U);
}

TEST(ConfigToml, PublicNamesWhatEverybodyMayRead) {
  const auto config = read("[public]\nsubscribe = [\"news.*\"]\n");

  ASSERT_EQ(config.public_subscribe.size(), 1U);
  EXPECT_EQ(config.public_subscribe[0].text(), "news.*");
}

TEST(ConfigToml, AnUnknownKeyIsRefusedWithItsLine) {
  EXPECT_THAT(refused("loops = 1\n\nlisten_on = \"a\"\n"),
              AllOf(HasSubstr("carillon.toml line 3"), HasSubstr("listen_on")));
  EXPECT_THAT(refused("[retention]\nage = \"7d\"\nhours = 3\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("retention.hours")));
  EXPECT_THAT(refused("[[tokens]]\ntoken = \"a\"\nadmin = true\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("'admin'"), HasSubstr("[[tokens]]")));
  EXPECT_THAT(refused("[[topics]]\npattern = \"a\"\n\nsync = true\n"),
              AllOf(HasSubstr("line 4"), HasSubstr("'sync'"), HasSubstr("[[topics]]")));
  EXPECT_THAT(refused("[[topics]]\npattern = \"a\"\nretention = { weeks = 1 }\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("'weeks'")));
  EXPECT_THAT(refused("[public]\npublish = [\"a\"]\n"),
              AllOf(HasSubstr("line 2"), HasSubstr("'publish'")));
  EXPECT_THAT(refused("[nothing]\na = 1\n"), HasSubstr("nothing"));
}

TEST(ConfigToml, AValueOfTheWrongKindIsRefusedWithItsLine) {
  for (const std::string_view document :
       {"listen = true", "loops = 1.5", "loops = \"many\"", "stall = 30", "origins = [1]",
        "listen = 2026-01-31", "retention = \"7d\"", "retention = { age = 7 }", "tokens = \"a\"",
        "tokens = [\"a\"]", "topics = 1", "public = \"a\"", "public = { subscribe = \"a\" }",
        "journal_bytes = \"big\"", "public_url = \"hub.example\""}) {
    EXPECT_THAT(refused("\n" + std::string(document)), HasSubstr("carillon.toml line 2"));
  }
}

TEST(ConfigToml, WhatATableHoldsIsCheckedToo) {
  for (const std::string_view line :
       {"manage = \"yes\"", "manage = 1", "publish = \"a\"", "publish = [1]", "publish = [\"a b\"]",
        "subscribe = [\"a.**.b\"]"}) {
    EXPECT_THAT(refused("[[tokens]]\n" + std::string(line)), HasSubstr("line 2")) << line;
  }
  for (const std::string_view line :
       {"durability = \"tape\"", "durability = 1", "retention = \"7d\"",
        "retention = { age = \"7\" }", "retention = { age = 7 }", "retention = { count = 0 }",
        "retention = { count = \"1\" }", "retention = { bytes = \"1X\" }",
        "retention = { bytes = true }"}) {
    EXPECT_THAT(refused("[[topics]]\npattern = \"a\"\n" + std::string(line)), HasSubstr("line 3"))
        << line;
  }
}

TEST(ConfigToml, ANegativeSizeIsNoSize) {
  EXPECT_THAT(refused("[[topics]]\npattern = \"a\"\nretention = { bytes = -1 }"),
              HasSubstr("line 3"));
  EXPECT_THAT(refused("log_bytes = -1"), HasSubstr("line 1"));
}

TEST(ConfigToml, ATopicsEntryNeedsAPattern) {
  EXPECT_THAT(refused("[[topics]]\ndurability = \"memory\"\n"), HasSubstr("needs a pattern"));
  EXPECT_THAT(refused("[[topics]]\npattern = 1\n"), HasSubstr("needs a pattern"));
  EXPECT_THAT(refused("[[topics]]\npattern = \"a..b\"\n"), HasSubstr("'a..b'"));
}

TEST(ConfigToml, WhatIsNoTomlIsRefusedWithItsLine) {
  EXPECT_THAT(refused("loops = 1\nlisten = \n"), HasSubstr("carillon.toml line 2"));
  EXPECT_THAT(refused("loops = 1\nloops = 2\n"), HasSubstr("carillon.toml line 2"));
  EXPECT_THAT(refused("\xff"), HasSubstr("carillon.toml line 1"));
}

TEST(ConfigToml, WhatIsShownReadsBackAsTheSame) {
  const auto config = read(R"(
    listen = "[::1]:9"
    data = "/with \"quotes\" and \\"
    public_url = "https://hub.example"
    origins = ["https://a.example"]
    hosts = ["a", "b"]
    loops = 2
    stall = "90s"
    heartbeat = "1500ms"
    retention = { age = "3d" }
    [public]
    subscribe = ["news.*", "b"]
    [[topics]]
    pattern = "ticks.*"
    durability = "memory"
    retention = { age = "1h", count = 7, bytes = "1KiB" }
    [[topics]]
    pattern = "**"
  )");

  EXPECT_EQ(show_config(read(show_config(config))), show_config(config));
  EXPECT_EQ(show_config(read(show_config(Config()))), show_config(Config()));
}

TEST(ConfigToml, ATokenIsNeverShown) {
  const auto config = read("[[tokens]]\ntoken = \"secret-0123456789\"\npublish = [\"a\"]\n");

  EXPECT_THAT(show_config(config), AllOf(HasSubstr("[[tokens]]"), HasSubstr("publish = [\"a\"]"),
                                         Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace carillon
