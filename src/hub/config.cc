#include "hub/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <span>

#include "base/limits.h"
#include "base/text.h"

namespace carillon {

namespace {

// The shortest token taken: less is guessed (RELIABILITY 0.10). 16 characters of base64 are 96
// bits.
constexpr size_t kTokenBytesMin = 16;

struct Unit {
  std::string_view suffix;
  uint64_t factor;
};
constexpr Unit kDurationUnits[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kByteUnits[] = {{"KiB", 1ULL << 10},
                               {"MiB", 1ULL << 20},
                               {"GiB", 1ULL << 30},
                               {"TiB", 1ULL << 40},
                               {"KB", 1'000},
                               {"MB", 1'000'000},
                               {"GB", 1'000'000'000},
                               {"TB", 1'000'000'000'000},
                               {"", 1}};

std::optional<uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_decimal(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.suffix) continue;
    if (*number > UINT64_MAX / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

using Apply = Result<> (*)(Config&, std::string_view);

Result<> take_bytes(uint64_t& into, std::string_view key, std::string_view value) {
  const auto bytes = parse_bytes(value);
  if (!bytes)
    return fail(Errc::bad_input, "{} = '{}' is no size: write e.g. 64MiB or 10GB", key, value);
  into = *bytes;
  return {};
}

template <typename Duration>
Result<> take_duration(Duration& into, std::string_view key, std::string_view value) {
  const auto duration = parse_duration(value);
  if (!duration)
    return fail(Errc::bad_input, "{} = '{}' is no duration: write e.g. 30s, 15m or 7d", key, value);
  into = std::chrono::duration_cast<Duration>(*duration);
  // Half a second is not none: what is counted in seconds is said in seconds.
  if (into != *duration)
    return fail(Errc::bad_input, "{} = '{}' is no whole number of seconds", key, value);
  return {};
}

std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> items;
  while (!value.empty()) {
    const size_t comma = value.find(',');
    if (const auto item = trim(value.substr(0, comma)); !item.empty()) items.emplace_back(item);
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
  }
  return items;
}

struct Setting {
  std::string_view key;
  std::string_view help;
  Apply apply;
  bool truth = false;  // true or false, in TOML without quotes
};

// Every key with one value. Its flag is `--a-b` and its variable CARILLON_A_B for `a.b` and `a_b`
// alike.
constexpr Setting kSettings[] = {
    {"listen", "address and port, e.g. 127.0.0.1:8080",
     [](Config& c, std::string_view v) -> Result<> {
       c.listen = v;
       return {};
     }},
    {"data", "the data directory",
     [](Config& c, std::string_view v) -> Result<> {
       c.data = v;
       return {};
     }},
    {"public_url", "the origin that the world sees, e.g. https://hub.example",
     [](Config& c, std::string_view v) -> Result<> {
       if (!v.empty() && !v.starts_with("http://") && !v.starts_with("https://")) {
         return fail(Errc::bad_input,
                     "public_url = '{}' is no origin; write e.g. https://hub.example", v);
       }
       c.public_url = v;
       if (c.public_url.ends_with('/')) c.public_url.pop_back();
       return {};
     }},
    {"origins", "origins of pages that may publish and read, comma-separated",
     [](Config& c, std::string_view v) -> Result<> {
       c.origins = split_list(v);
       return {};
     }},
    {"hosts", "names under which the hub is reached, comma-separated",
     [](Config& c, std::string_view v) -> Result<> {
       c.hosts = split_list(v);
       return {};
     }},
    {"loops", "event loops; 0 is one a core",
     [](Config& c, std::string_view v) -> Result<> {
       const auto loops = parse_decimal(v);
       if (!loops || *loops > 256)
         return fail(Errc::bad_input, "loops = '{}' is no number from 0 to 256", v);
       c.loops = *loops;
       return {};
     }},
    {"journal_bytes", "size of a journal file",
     [](Config& c, std::string_view v) { return take_bytes(c.journal_bytes, "journal_bytes", v); }},
    {"log_bytes", "the most the whole log may take, oldest events first",
     [](Config& c, std::string_view v) { return take_bytes(c.log_bytes, "log_bytes", v); }},
    {"tail_bytes", "newest events kept in memory a loop",
     [](Config& c, std::string_view v) { return take_bytes(c.tail_bytes, "tail_bytes", v); }},
    {"stall", "how long a reader may take nothing before it is ended",
     [](Config& c, std::string_view v) { return take_duration(c.stall, "stall", v); }},
    {"heartbeat", "the longest silence on a stream",
     [](Config& c, std::string_view v) { return take_duration(c.heartbeat, "heartbeat", v); }},
    {"websocket_deflate", "whether WebSocket messages may be compressed",
     [](Config& c, std::string_view v) -> Result<> {
       if (v != "true" && v != "false")
         return fail(Errc::bad_input, "websocket_deflate = '{}' is neither true nor false", v);
       c.websocket_deflate = v == "true";
       return {};
     },
     true},
    {"retention.age", "how long events are kept",
     [](Config& c, std::string_view v) {
       return take_duration(c.retention.age.emplace(), "retention.age", v);
     }},
};

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_with_unit(text, kDurationUnits);
  // Ten thousand years: beyond it arithmetic on times overflows.
  if (!value || *value > 315'360'000'000'000ULL) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  return parse_with_unit(text, kByteUnits);
}

TopicSettings Config::settings_for(std::string_view topic) const {
  if (is_system_topic(topic)) {
    const bool disk = topic == "$sys.webhooks";
    return {.durability = disk ? Durability::disk : Durability::memory, .retention = {}};
  }
  for (const TopicConfig& one : topics) {
    if (!one.pattern.matches(topic)) continue;
    TopicSettings settings{.durability = one.durability, .retention = one.retention};
    if (!settings.retention.age) settings.retention.age = retention.age;
    return settings;
  }
  return {.durability = Durability::disk, .retention = retention};
}

std::vector<TopicPattern> Config::memory_patterns() const {
  std::vector<TopicPattern> patterns;
  for (const TopicConfig& one : topics) {
    if (one.durability == Durability::memory) patterns.push_back(one.pattern);
  }
  for (const char* own : {"$sys.presence.**", "$sys.health"}) {
    if (auto pattern = TopicPattern::parse(own)) patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

Result<> apply_setting(Config& config, std::string_view key, std::string_view value) {
  for (const Setting& setting : kSettings) {
    if (setting.key == key) return setting.apply(config, value);
  }
  return fail(Errc::bad_input, "there is no setting '{}'; `carillon config show` lists them all",
              key);
}

bool takes_truth(std::string_view key) {
  const auto known = std::ranges::find(kSettings, key, &Setting::key);
  return known != std::end(kSettings) && known->truth;
}

const std::map<std::string_view, std::string_view>& setting_help() {
  static const auto kHelp = [] {
    std::map<std::string_view, std::string_view> help;
    for (const Setting& setting : kSettings) help.emplace(setting.key, setting.help);
    return help;
  }();
  return kHelp;
}

Result<std::vector<std::string>> apply_environment(Config& config, const char* const* environment) {
  constexpr std::string_view kPrefix = "CARILLON_";
  // Read by the client commands and the tests.
  constexpr std::string_view kOthers[] = {"SERVER", "TOKEN", "BIN"};
  std::vector<std::string> unknown;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (!entry.starts_with(kPrefix)) continue;
    const size_t equals = entry.find('=');
    const auto name = entry.substr(kPrefix.size(), equals - kPrefix.size());
    if (std::ranges::find(kOthers, name) != std::end(kOthers)) continue;
    const auto matches = [&](const Setting& setting) {
      std::string variable(setting.key);
      for (char& c : variable)
        c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return variable == name;
    };
    const auto found = std::ranges::find_if(kSettings, matches);
    if (found == std::end(kSettings)) {
      unknown.emplace_back(entry.substr(0, equals));
      continue;
    }
    TRY(found->apply(config, entry.substr(equals + 1)));
  }
  return unknown;
}

namespace {

// `https://hub.example:8443`: what a browser sends as Origin, and what URLs begin with.
Result<> check_origin(std::string_view key, std::string_view text) {
  const auto scheme = text.starts_with("https://") ? 8U : text.starts_with("http://") ? 7U : 0U;
  const auto host = text.substr(scheme);
  const auto port = host.ends_with(']') ? std::string_view::npos : host.rfind(':');
  const auto number = port == std::string_view::npos ? std::optional<uint64_t>(1)
                                                     : parse_decimal(host.substr(port + 1));
  const bool sound = scheme != 0 && !host.empty() && port != 0 && number && *number > 0 &&
                     *number <= UINT16_MAX &&
                     host.find_first_of("/?#@ \t\"'<>") == std::string_view::npos;
  if (sound) return {};
  return fail(Errc::bad_input,
              "{} = '{}' is no origin: write scheme, name and port alone, e.g. "
              "https://hub.example or http://localhost:3000",
              key, text);
}

Result<> check_names(const Config& config) {
  if (!config.public_url.empty()) TRY(check_origin("public_url", config.public_url));
  for (const auto& origin : config.origins) TRY(check_origin("origins", origin));
  for (const auto& host : config.hosts) {
    if (!host.empty() && host.find_first_of("/?#@ \t\"'<>") == std::string::npos) continue;
    return fail(Errc::bad_input,
                "hosts = '{}' is no name: write it as in a URL, e.g. hub.internal or "
                "hub.internal:8080",
                host);
  }
  return {};
}

Result<> check_tokens(const Config& config) {
  std::set<std::string_view> seen;
  for (const TokenConfig& token : config.tokens) {
    if (token.token.size() < kTokenBytesMin) {
      return fail(Errc::bad_input,
                  "a token has {} characters; use at least {}, e.g. the output of `openssl rand "
                  "-base64 24`",
                  token.token.size(), kTokenBytesMin);
    }
    if (!seen.insert(token.token).second) {
      return fail(Errc::bad_input,
                  "two [[tokens]] have the same token: give one of them all the rights");
    }
  }
  return {};
}

}  // namespace

Result<> check_config(const Config& config) {
  if (config.data.empty()) {
    return fail(Errc::bad_input, "data is empty: name the directory, e.g. --data ./carillon-data");
  }
  TRY(check_names(config));
  TRY(check_tokens(config));
  const auto expires_at_once = [](const Retention& retention) {
    return retention.age && *retention.age <= std::chrono::seconds(0);
  };
  if (expires_at_once(config.retention) ||
      std::ranges::any_of(config.topics,
                          [&](const TopicConfig& one) { return expires_at_once(one.retention); })) {
    return fail(Errc::bad_input, "retention.age is 0, which would remove every event at once");
  }
  if (config.heartbeat < std::chrono::seconds(1)) {
    return fail(Errc::bad_input, "heartbeat is below 1s, which is how often streams are looked at");
  }
  if (config.stall < std::chrono::seconds(1)) {
    return fail(Errc::bad_input, "stall is below 1s, which is how often streams are looked at");
  }
  if (config.journal_bytes != 0 &&
      (config.journal_bytes < kJournalBytesMin || config.journal_bytes > 1024 * kMiB)) {
    return fail(Errc::bad_input, "journal_bytes must lie between 1MiB and 1GiB");
  }
  return {};
}

}  // namespace carillon
