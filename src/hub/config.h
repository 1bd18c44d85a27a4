// What an operator decides: from carillon.toml, the environment and flags.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/topic.h"
#include "log/log.h"

namespace carillon {

enum class HubMode { dev, serve };

struct TokenConfig {
  std::string token;
  std::vector<TopicPattern> publish;
  std::vector<TopicPattern> subscribe;
  bool manage = false;
};

struct TopicConfig {
  TopicPattern pattern;
  Durability durability = Durability::disk;
  Retention retention;
};

// A value; annotated for users in carillon.toml.
struct Config {
  HubMode mode = HubMode::serve;
  std::string listen = "127.0.0.1:8080";
  std::string data = "./carillon-data";
  std::string public_url;
  std::vector<std::string> origins;
  std::vector<std::string> hosts;
  uint64_t loops = 0;          // 0: one a core
  uint64_t journal_bytes = 0;  // 0: by the free space
  uint64_t log_bytes = 0;      // 0: 10 GB or 80 % of the disk
  uint64_t tail_bytes = 64ULL * 1024 * 1024;
  std::chrono::seconds stall{30};
  std::chrono::milliseconds heartbeat{15'000};
  bool websocket_deflate = false;
  Retention retention{.age = std::chrono::hours(7 * 24), .count = {}, .bytes = {}};
  std::vector<TokenConfig> tokens;
  std::vector<TopicPattern> public_subscribe;
  std::vector<TopicConfig> topics;  // of several that match, the first wins

  TopicSettings settings_for(std::string_view topic) const;
  // Patterns of topics whose events do not survive a restart, the hub's own included.
  std::vector<TopicPattern> memory_patterns() const;
};

// `7d`, `30s`, `15m`, `500ms`; `10GB`, `64MiB`, `1000`.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<uint64_t> parse_bytes(std::string_view text);

// Takes a TOML document into `config`. Unknown keys are Errc::bad_input with the line: a misspelt
// limit must not be a missing one.
Result<> apply_toml(Config& config, std::string_view document, std::string_view name);
// One key with one value, from a flag (`stall`) or variable (CARILLON_STALL).
Result<> apply_setting(Config& config, std::string_view key, std::string_view value);
// A key that says true or false.
bool takes_truth(std::string_view key);
// The keys that apply_setting knows, with a word of help each.
const std::map<std::string_view, std::string_view>& setting_help();
// Takes what CARILLON_… variables say; unknown ones are returned, to be warned of.
Result<std::vector<std::string>> apply_environment(Config& config, const char* const* environment);
// What contradicts itself: short tokens, `dev` on an address that others reach.
Result<> check_config(const Config& config);
// The whole config as TOML; tokens are not shown.
std::string show_config(const Config& config);

}  // namespace carillon
