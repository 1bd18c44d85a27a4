#include "wire/session_op.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"
#include "wire/json_check.h"
#include "wire/json_walk.h"

namespace carillon {

namespace {

struct OpName {
  std::string_view name;
  SessionOp::Kind kind;
};
constexpr std::array kOps = {OpName{"subscribe", SessionOp::Kind::subscribe},
                             OpName{"unsubscribe", SessionOp::Kind::unsubscribe},
                             OpName{"publish", SessionOp::Kind::publish},
                             OpName{"ack", SessionOp::Kind::ack},
                             OpName{"auth", SessionOp::Kind::auth},
                             OpName{"ping", SessionOp::Kind::ping},
                             OpName{"presence", SessionOp::Kind::presence}};
constexpr std::array<std::string_view, 5> kOptionNames = {"after", "type", "subject", "rate",
                                                          "conflate"};
// What a publish may say without an envelope; for all else there is `event`.
constexpr std::array<std::string_view, 7> kEventNames = {
    "data", "data_base64", "datacontenttype", "type", "subject", "key", "time"};

std::unexpected<Problem> bad(std::string detail, std::string fix) {
  return std::unexpected(make_problem(kBadRequest, std::move(detail), std::move(fix)));
}

// The members of one op, read one by one.
class OpReader {
 public:
  explicit OpReader(std::string_view object) : object_(object) {}

  std::optional<std::string_view> raw(std::string_view name) const {
    JsonMembers members(object_);
    while (auto member = members.next()) {
      if (member->name == name && json_kind(member->value) != JsonKind::null) return member->value;
    }
    return std::nullopt;
  }

  // Absent: empty.
  std::expected<std::string, Problem> text(std::string_view name) const {
    const auto value = raw(name);
    if (!value) return std::string();
    if (json_kind(*value) != JsonKind::string)
      return bad(fmt::format("'{}' is no string", name), "Give it as a JSON string.");
    return json_text(*value);
  }

  std::expected<std::string, Problem> needed(std::string_view name) const {
    auto found = text(name);
    if (found && found->empty())
      return bad(fmt::format("'{}' is missing", name), "The page on WebSocket lists each op.");
    return found;
  }

 private:
  std::string_view object_;
};

std::expected<void, Problem> take_topics(const OpReader& reader, SessionOp& op) {
  const auto value = reader.raw("topics");
  if (!value || json_kind(*value) != JsonKind::array)
    return bad("'topics' is no array of strings", R"(Name them, e.g. "topics":["orders.*"].)");
  JsonItems items(*value);
  while (const auto item = items.next()) {
    if (json_kind(*item) != JsonKind::string)
      return bad("'topics' holds what is no string", R"(Name them, e.g. "topics":["orders.*"].)");
    if (op.topics.size() == kPatternsMax)
      return bad(fmt::format("more than {} topics are named", kPatternsMax), "Use patterns.");
    op.topics.push_back(json_text(*item));
  }
  return {};
}

std::expected<void, Problem> take_subscribe(const OpReader& reader, SessionOp& op) {
  if (auto taken = take_topics(reader, op); !taken) return taken;
  for (const auto name : kOptionNames) {
    const auto value = reader.raw(name);
    if (!value) continue;
    const bool number = name == "rate" && json_kind(*value) == JsonKind::number;
    if (number) {
      op.options.emplace_back(name, *value);
      continue;
    }
    auto text = reader.text(name);
    if (!text) return std::unexpected(std::move(text).error());
    op.options.emplace_back(name, std::move(*text));
  }
  if (const auto credit = reader.raw("credit")) {
    op.credit = parse_decimal(*credit);
    if (!op.credit || *op.credit == 0 || *op.credit > kCreditMax) {
      return bad(fmt::format("'credit' is no number from 1 to {}", kCreditMax),
                 "Leave it out to be sent all there is.");
    }
  }
  return {};
}

std::expected<void, Problem> take_publish(const OpReader& reader, std::string_view object,
                                          SessionOp& op) {
  auto topic = reader.needed("topic");
  if (!topic) return std::unexpected(std::move(topic).error());
  op.topic = std::move(*topic);
  const auto whole = reader.raw("event");
  auto event = whole ? parse_structured_event(*whole) : parse_event_members(object, kEventNames);
  if (!event) {
    return std::unexpected(
        make_problem(event.error().code == Errc::too_large ? kPayloadTooLarge : kBadEvent,
                     event.error().detail, "Correct the event and publish it again."));
  }
  op.event = std::move(*event);
  return {};
}

std::expected<void, Problem> take_one(std::expected<std::string, Problem> found,
                                      std::string& into) {
  if (!found) return std::unexpected(std::move(found).error());
  into = std::move(*found);
  return {};
}

std::expected<void, Problem> take_presence(const OpReader& reader, SessionOp& op) {
  if (auto taken = take_one(reader.needed("topic"), op.topic); !taken) return taken;
  op.state = reader.raw("state").value_or("null");
  if (op.state.size() > kPresenceStateBytesMax) {
    return std::unexpected(make_problem(kPayloadTooLarge,
                                        fmt::format("the state has {} bytes; at most {} are taken",
                                                    op.state.size(), kPresenceStateBytesMax),
                                        "Publish what is larger as an event."));
  }
  return {};
}

std::expected<void, Problem> take_members(const OpReader& reader, std::string_view object,
                                          SessionOp& op) {
  switch (op.kind) {
    case SessionOp::Kind::subscribe: return take_subscribe(reader, op);
    case SessionOp::Kind::publish: return take_publish(reader, object, op);
    case SessionOp::Kind::ack: return take_one(reader.needed("cursor"), op.cursor);
    case SessionOp::Kind::auth: return take_one(reader.needed("token"), op.token);
    case SessionOp::Kind::presence: return take_presence(reader, op);
    case SessionOp::Kind::unsubscribe:
    case SessionOp::Kind::ping: break;
  }
  return {};
}

}  // namespace

std::expected<SessionOp, SessionRefusal> parse_session_op(std::string_view text) {
  text = trim(text);
  if (const auto sound = check_json(text); !sound) {
    return std::unexpected(
        SessionRefusal{{}, make_problem(kBadJson, sound.error().detail, "Send one JSON object.")});
  }
  if (json_kind(text) != JsonKind::object) {
    return std::unexpected(SessionRefusal{{},
                                          make_problem(kBadRequest, "an op is a JSON object",
                                                       R"(Send e.g. {"op":"ping","id":"1"}.)")});
  }
  const OpReader reader(text);
  SessionOp op;
  const auto id = reader.needed("id");
  if (!id) return std::unexpected(SessionRefusal{{}, id.error()});
  if (id->size() > kOpIdBytesMax) {
    return std::unexpected(SessionRefusal{
        {},
        make_problem(kBadRequest, fmt::format("'id' has more than {} bytes", kOpIdBytesMax),
                     "A small number will do.")});
  }
  op.id = *id;
  const auto name = reader.needed("op");
  if (!name) return std::unexpected(SessionRefusal{op.id, name.error()});
  const auto known = std::ranges::find(kOps, *name, &OpName::name);
  if (known == kOps.end()) {
    return std::unexpected(SessionRefusal{
        op.id,
        make_problem(kBadRequest,
                     fmt::format("the op '{}' is not known here", name->substr(0, kOpIdBytesMax)),
                     "The page on WebSocket lists each op.")});
  }
  op.kind = known->kind;
  if (auto taken = take_members(reader, text, op); !taken)
    return std::unexpected(SessionRefusal{op.id, std::move(taken).error()});
  return op;
}

std::string ok_op(std::string_view id, std::string_view members) {
  return fmt::format(R"({{"op":"ok","id":{}{}{}}})", json_string(id), members.empty() ? "" : ",",
                     members);
}

std::string error_op(std::string_view id, const Problem& problem) {
  return fmt::format(R"({{"op":"error","id":{},"problem":{}}})",
                     id.empty() ? "null" : json_string(id), problem_json(problem));
}

}  // namespace carillon
