#include "wire/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace carillon {

namespace {

static_assert(std::ranges::is_sorted(kProblemKinds, {}, &ProblemKind::status));

// The kind that a refusal of this status means. Parsers and time-outs give no others.
const ProblemKind& kind_of(const HttpRefusal& refusal) {
  switch (refusal.status) {
    case 408: return kRequestTimeout;
    case 413: return kPayloadTooLarge;
    case 414: return kUriTooLong;
    case 417: return kExpectationFailed;
    case 426: return kUpgradeRequired;
    case 431: return kHeadersTooLarge;
    case 501: return kNotImplemented;
    case 505: return kHttpVersionNotSupported;
    default: break;
  }
  CHECK(refusal.status == kBadRequest.status);
  return kBadRequest;
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
}

}  // namespace

Problem make_problem(const ProblemKind& kind, std::string detail, std::string fix) {
  return {.status = kind.status,
          .slug = kind.slug,
          .title = kind.title,
          .detail = std::move(detail),
          .fix = std::move(fix)};
}

Problem make_problem(HttpRefusal refusal) {
  return make_problem(kind_of(refusal), std::move(refusal.detail), std::move(refusal.fix));
}

std::string problem_json(const Problem& problem, std::string_view extra_members_json) {
  std::string out = fmt::format(R"({{"type":"/problems/{}")", problem.slug);
  append_member(out, "title", problem.title);
  out += fmt::format(R"(,"status":{})", problem.status);
  append_member(out, "detail", problem.detail);
  append_member(out, "fix", problem.fix);
  if (!extra_members_json.empty()) {
    out += ',';
    out += extra_members_json;
  }
  out += '}';
  return out;
}

}  // namespace carillon
