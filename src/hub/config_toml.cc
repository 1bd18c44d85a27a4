#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/text.h"
#include "hub/config.h"

namespace carillon {

namespace {

std::string place(const toml::node& node, std::string_view name) {
  return fmt::format("{} line {}", name, node.source().begin.line);
}

// One document being read.
class Reader {
 public:
  Reader(Config& config, std::string_view name) : config_(config), name_(name) {}

  Result<> take(const toml::table& document) {
    for (const auto& [key, node] : document) TRY(take_top(key.str(), node));
    return {};
  }

 private:
  Result<> take_top(std::string_view key, const toml::node& node) {
    if (key == "tokens") return each_table(key, node, &Reader::take_token);
    if (key == "topics") return each_table(key, node, &Reader::take_topic);
    if (key == "public") return take_public(node);
    if (key == "retention") return take_nested(key, node);
    if (const auto* list = node.as_array()) {
      TRY(const auto items, strings(key, *list));
      return apply(key, fmt::format("{}", fmt::join(items, ",")), node);
    }
    return take_value(key, node);
  }

  Result<> apply(std::string_view key, std::string_view value, const toml::node& node) {
    const auto applied = apply_setting(config_, key, value);
    if (applied) return {};
    return fail(Errc::bad_input, "{}: {}", place(node, name_), applied.error().detail);
  }

  Result<> take_value(std::string_view key, const toml::node& node) {
    if (const auto text = node.value<std::string>()) return apply(key, *text, node);
    if (const auto number = node.value_exact<int64_t>())
      return apply(key, std::to_string(*number), node);
    const auto truth = node.value_exact<bool>();
    if (truth && takes_truth(key)) return apply(key, *truth ? "true" : "false", node);
    return fail(Errc::bad_input, "{}: '{}' takes a string or a number", place(node, name_), key);
  }

  Result<> take_nested(std::string_view key, const toml::node& node) {
    const auto* table = node.as_table();
    if (table == nullptr)
      return fail(Errc::bad_input, "{}: '{}' takes a table", place(node, name_), key);
    for (const auto& [inner, value] : *table)
      TRY(take_value(fmt::format("{}.{}", key, inner.str()), value));
    return {};
  }

  Result<> each_table(std::string_view key, const toml::node& node,
                      Result<> (Reader::*take_one)(const toml::table&)) {
    const auto* list = node.as_array();
    if (list == nullptr)
      return fail(Errc::bad_input, "{}: write [[{}]] before each entry", place(node, name_), key);
    for (const auto& item : *list) {
      if (item.as_table() == nullptr)
        return fail(Errc::bad_input, "{}: write [[{}]] before each entry", place(node, name_), key);
      TRY((this->*take_one)(*item.as_table()));
    }
    return {};
  }

  Result<std::vector<std::string>> strings(std::string_view key, const toml::array& list) {
    std::vector<std::string> items;
    for (const auto& item : list) {
      const auto text = item.value<std::string>();
      if (!text)
        return fail(Errc::bad_input, "{}: '{}' takes a list of strings", place(item, name_), key);
      items.push_back(*text);
    }
    return items;
  }

  Result<std::vector<TopicPattern>> patterns(std::string_view key, const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr)
      return fail(Errc::bad_input, "{}: '{}' takes a list of patterns", place(node, name_), key);
    TRY(const auto texts, strings(key, *list));
    std::vector<TopicPattern> all;
    for (const auto& text : texts) {
      auto pattern = TopicPattern::parse(text);
      if (!pattern)
        return fail(Errc::bad_input, "{}: pattern '{}': {}", place(node, name_), text,
                    pattern.error().detail);
      all.push_back(std::move(*pattern));
    }
    return all;
  }

  Result<> unknown(std::string_view where, const toml::key& key) {
    return fail(Errc::bad_input, "{} line {}: there is no key '{}' in {}", name_,
                key.source().begin.line, key.str(), where);
  }

  Result<> take_token(const toml::table& table) {
    TokenConfig token;
    for (const auto& [key, node] : table) {
      if (key == "token") {
        token.token = node.value<std::string>().value_or("");
      } else if (key == "publish") {
        TRY(token.publish, patterns("publish", node));
      } else if (key == "subscribe") {
        TRY(token.subscribe, patterns("subscribe", node));
      } else if (key == "manage") {
        const auto manage = node.value_exact<bool>();
        if (!manage)
          return fail(Errc::bad_input, "{}: manage is true or false", place(node, name_));
        token.manage = *manage;
      } else {
        return unknown("[[tokens]]", key);
      }
    }
    config_.tokens.push_back(std::move(token));
    return {};
  }

  Result<> take_topic(const toml::table& table) {
    const auto text = table["pattern"].value<std::string>();
    if (!text) return fail(Errc::bad_input, "{}: [[topics]] needs a pattern", place(table, name_));
    auto pattern = TopicPattern::parse(*text);
    if (!pattern)
      return fail(Errc::bad_input, "{}: pattern '{}': {}", place(table, name_), *text,
                  pattern.error().detail);
    TopicConfig topic{
        .pattern = std::move(*pattern), .durability = Durability::disk, .retention = {}};
    for (const auto& [key, node] : table) {
      if (key == "pattern") continue;
      if (key == "durability") {
        TRY(topic.durability, durability(node));
      } else if (key == "retention") {
        TRY(topic.retention, retention(node));
      } else {
        return unknown("[[topics]]", key);
      }
    }
    config_.topics.push_back(std::move(topic));
    return {};
  }

  Result<Durability> durability(const toml::node& node) {
    const auto text = node.value<std::string>().value_or("");
    if (text == "disk") return Durability::disk;
    if (text == "memory") return Durability::memory;
    return fail(Errc::bad_input, "{}: durability is \"disk\" or \"memory\", not '{}'",
                place(node, name_), text);
  }

  Result<Retention> retention(const toml::node& node) {
    const auto* table = node.as_table();
    if (table == nullptr)
      return fail(Errc::bad_input, "{}: retention takes a table, e.g. {{ age = \"7d\" }}",
                  place(node, name_));
    Retention retention;
    for (const auto& [key, value] : *table) {
      const auto text = value.value<std::string>();
      const auto number = value.value_exact<int64_t>();
      if (key == "age") {
        const auto age = parse_duration(text.value_or(""));
        if (!age)
          return fail(Errc::bad_input, "{}: age = '{}' is no duration, e.g. \"7d\"",
                      place(value, name_), text.value_or(""));
        retention.age = std::chrono::duration_cast<std::chrono::seconds>(*age);
      } else if (key == "count") {
        if (!number || *number < 1)
          return fail(Errc::bad_input, "{}: count takes a number from 1", place(value, name_));
        retention.count = static_cast<uint64_t>(*number);
      } else if (key == "bytes") {
        // A negative number is no size, whatever it is as an unsigned one.
        retention.bytes = parse_bytes(text ? *text : number ? std::to_string(*number) : "");
        if (!retention.bytes)
          return fail(Errc::bad_input, "{}: bytes = '{}' is no size, e.g. \"10GB\"",
                      place(value, name_), text.value_or(""));
      } else {
        return std::unexpected(unknown("retention", key).error());
      }
    }
    return retention;
  }

  Result<> take_public(const toml::node& node) {
    const auto* table = node.as_table();
    if (table == nullptr) return fail(Errc::bad_input, "{}: write [public]", place(node, name_));
    for (const auto& [key, value] : *table) {
      if (key != "subscribe") return unknown("[public]", key);
      TRY(config_.public_subscribe, patterns("subscribe", value));
    }
    return {};
  }

  Config& config_;
  std::string_view name_;
};

std::string pattern_list(const std::vector<TopicPattern>& patterns) {
  std::vector<std::string> quoted;
  quoted.reserve(patterns.size());
  for (const auto& pattern : patterns) quoted.push_back(json_string(pattern.text()));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

std::string string_list(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  quoted.reserve(items.size());
  for (const auto& item : items) quoted.push_back(json_string(item));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

std::string retention_text(const Retention& retention) {
  std::vector<std::string> parts;
  if (retention.age) parts.push_back(fmt::format("age = \"{}s\"", retention.age->count()));
  if (retention.count) parts.push_back(fmt::format("count = {}", *retention.count));
  if (retention.bytes) parts.push_back(fmt::format("bytes = {}", *retention.bytes));
  return fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

}  // namespace

Result<> apply_toml(Config& config, std::string_view document, std::string_view name) {
  try {
    return Reader(config, name).take(toml::parse(document));
  } catch (const toml::parse_error& error) {
    return fail(Errc::bad_input, "{} line {}: {}", name, error.source().begin.line,
                error.description());
  }
}

std::string show_config(const Config& config) {
  std::string out;
  const auto line = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  line("listen", json_string(config.listen));
  line("data", json_string(config.data));
  line("public_url", json_string(config.public_url));
  line("origins", string_list(config.origins));
  line("hosts", string_list(config.hosts));
  line("loops", std::to_string(config.loops));
  line("journal_bytes", std::to_string(config.journal_bytes));
  line("log_bytes", std::to_string(config.log_bytes));
  line("tail_bytes", std::to_string(config.tail_bytes));
  line("stall", fmt::format("\"{}s\"", config.stall.count()));
  line("heartbeat", fmt::format("\"{}ms\"", config.heartbeat.count()));
  line("websocket_deflate", config.websocket_deflate ? "true" : "false");
  line("retention", retention_text(config.retention));
  out += fmt::format("\n[public]\nsubscribe = {}\n", pattern_list(config.public_subscribe));
  for (const TopicConfig& topic : config.topics) {
    out += fmt::format("\n[[topics]]\npattern = {}\ndurability = \"{}\"\nretention = {}\n",
                       json_string(topic.pattern.text()), name_of(topic.durability),
                       retention_text(topic.retention));
  }
  for (const TokenConfig& token : config.tokens) {
    out += fmt::format(
        "\n[[tokens]]\n# the token itself is not shown\npublish = {}\nsubscribe = {}\nmanage = "
        "{}\n",
        pattern_list(token.publish), pattern_list(token.subscribe), token.manage);
  }
  return out;
}

}  // namespace carillon
