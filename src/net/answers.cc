#include "net/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "wire/json_check.h"

namespace carillon {

namespace {

constexpr std::array<std::string_view, 3> kLoopbackNames = {"localhost", "127.0.0.1", "[::1]"};

Response with_retry(Response response) {
  response.fields.push_back({"retry-after", "1"});
  return response;
}

}  // namespace

Response unauthorized(bool token_given) {
  auto response = problem_response(
      token_given ? make_problem(kUnauthorized, "the token is not known here",
                                 "Send a valid token, or none where none is needed.")
                  : make_problem(kUnauthorized, "no token was sent, and one is needed",
                                 "Send `Authorization: Bearer TOKEN`."));
  response.fields.push_back(
      {"www-authenticate", token_given ? R"(Bearer error="invalid_token")" : "Bearer"});
  return response;
}

Problem forbidden_problem(std::string_view what) {
  return make_problem(kForbidden, fmt::format("the token does not allow to {}", what),
                      "Use a token with this right, or widen its patterns in the config.");
}

Response forbidden(std::string_view what) { return problem_response(forbidden_problem(what)); }

Problem log_error_problem(const Error& error) {
  switch (error.code) {
    case Errc::bad_input: return make_problem(kBadRequest, error.detail, "Correct the request.");
    case Errc::not_found:
      return make_problem(kNotFound, error.detail, "Look at /v1/topics for what there is.");
    case Errc::conflict:
      return make_problem(kIdempotencyConflict, error.detail,
                          "Use a new key or id for another event.");
    case Errc::too_large: return make_problem(kPayloadTooLarge, error.detail, "Send less at once.");
    case Errc::too_many: return make_problem(kTooManyRequests, error.detail, "Use fewer.");
    case Errc::denied: return forbidden_problem(error.detail);
    case Errc::unavailable:
    case Errc::busy:
      return make_problem(kOverloaded, error.detail, "Try again after the time in Retry-After.");
    case Errc::full:
      return make_problem(kStorageFull, error.detail, "Free space on the disk, then try again.");
    case Errc::corrupt:
    case Errc::io: break;
  }
  return make_problem(kInternal, error.detail, "Look at the hub's log output and its disk.");
}

Response log_error_response(const Error& error) {
  auto response = problem_response(log_error_problem(error));
  const bool may_pass = response.status == kTooManyRequests.status ||
                        response.status == kOverloaded.status ||
                        response.status == kStorageFull.status;
  return may_pass ? with_retry(std::move(response)) : response;
}

Problem bad_event_problem(const Error& error) {
  if (error.code == Errc::too_large) {
    return make_problem(
        kPayloadTooLarge, error.detail,
        "Send less at once: an event is at most 1 MiB, a batch 1,000 events or 8 MiB.");
  }
  if (error.detail.find(kBrokenJson) != std::string::npos) {
    return make_problem(kBadJson, error.detail,
                        "Mend the JSON at this place, or send it as text/plain.");
  }
  return make_problem(kBadEvent, error.detail,
                      "Correct the event; CloudEvents 1.0 says what each attribute may be.");
}

Response json_response(int status, std::string body) {
  return {.status = status,
          .fields = {{"content-type", "application/json"},
                     {"cache-control", "no-store"},
                     {"x-content-type-options", "nosniff"}},
          .body = std::move(body)};
}

bool is_loopback_host(std::string_view host) {
  const auto names = [&](std::string_view name) {
    return host == name ||
           (host.starts_with(name) && host.size() > name.size() && host[name.size()] == ':' &&
            host.substr(name.size() + 1).find_first_not_of("0123456789") == std::string_view::npos);
  };
  return std::ranges::any_of(kLoopbackNames, names);
}

bool is_loopback_origin(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return is_loopback_host(origin.substr(scheme.size()));
  }
  return false;
}

std::vector<HeaderField> cors_fields(const Exchange& exchange,
                                     const std::vector<std::string>& origins,
                                     bool loopback_origins) {
  const auto origin = exchange.head().field("origin");
  if (origin.empty()) return {};
  const bool listed = std::ranges::find(origins, origin) != origins.end();
  if (!listed && !(loopback_origins && is_loopback_origin(origin))) return {{"vary", "Origin"}};
  return {{"vary", "Origin"},
          {"access-control-allow-origin", std::string(origin)},
          {"access-control-allow-credentials", "true"},
          {"access-control-expose-headers", "carillon-cursor, location, etag, retry-after"}};
}

bool none_match(std::string_view field, std::string_view tag) {
  const auto opaque = [](std::string_view one) {
    return one.starts_with("W/") ? one.substr(2) : one;
  };
  while (!field.empty()) {
    const size_t comma = field.find(',');
    const auto one = trim(field.substr(0, comma));
    if (one == "*" || opaque(one) == opaque(tag)) return true;
    field = comma == std::string_view::npos ? std::string_view() : field.substr(comma + 1);
  }
  return false;
}

}  // namespace carillon
