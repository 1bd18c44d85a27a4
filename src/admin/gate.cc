#include "admin/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "net/answers.h"
#include "wire/websocket_handshake.h"

namespace carillon {

namespace {

// `https://hub.example:8443/` without its scheme and path.
std::string_view authority_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url = url.substr(scheme + 3);
  return url.substr(0, url.find('/'));
}

std::string_view without_port(std::string_view host) {
  if (host.ends_with(']')) return host;
  const size_t colon = host.rfind(':');
  return colon == std::string_view::npos ? host : host.substr(0, colon);
}

// A page of any origin may open a WebSocket, with whatever the browser sends along (RFC 6455
// section 10.2).
bool changes_something(const RequestHead& head) {
  return (head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS") ||
         asks_for_websocket(head);
}

}  // namespace

Gate::Gate(const Config& config, const Access& access) : config_(config), access_(access) {}

// In `dev` the names of loopback; else the public name and the configured ones. A server without
// any takes all: it was told no name to hold to, and every right needs a token then.
bool Gate::host_allowed(const Exchange& exchange) const {
  const auto host = exchange.head().field("host");
  if (host.empty()) return exchange.head().minor == 0;
  if (!config_.public_url.empty() && equals_ignoring_case(host, authority_of(config_.public_url)))
    return true;
  const auto named = [&](const std::string& name) {
    return equals_ignoring_case(host, name) || equals_ignoring_case(without_port(host), name);
  };
  if (std::ranges::any_of(config_.hosts, named)) return true;
  if (is_loopback_host(to_lower(host)))
    return config_.mode == HubMode::dev || exchange.peer_is_loopback();
  return config_.mode == HubMode::serve && config_.hosts.empty() && config_.public_url.empty();
}

bool Gate::origin_allowed(const Exchange& exchange) const {
  const auto origin = exchange.head().field("origin");
  if (origin.empty()) return true;
  if (std::ranges::find(config_.origins, origin) != config_.origins.end()) return true;
  if (!config_.public_url.empty() && origin == config_.public_url) return true;
  // The hub's own page: the Host is one of its names, else it was refused before.
  const auto host = exchange.head().field("host");
  if (origin == fmt::format("http://{}", host) || origin == fmt::format("https://{}", host))
    return true;
  return config_.mode == HubMode::dev && is_loopback_origin(origin);
}

std::optional<Response> Gate::refuse(const Exchange& exchange, RouteRight right) const {
  // A probe of an orchestrator comes under an address of its own choosing.
  const bool for_probes = right == RouteRight::probe;
  if (!for_probes && !host_allowed(exchange)) {
    return problem_response(
        make_problem(kHostNotAllowed, "the Host is not one of this hub's names",
                     "Set public_url or hosts in the config to the name you use."));
  }
  const auto& head = exchange.head();
  if (head.all("origin").size() > 1 || (changes_something(head) && !origin_allowed(exchange))) {
    return problem_response(make_problem(kOriginNotAllowed,
                                         "pages of this origin may not change anything here",
                                         "Add the origin to `origins` in the config."));
  }
  if (right != RouteRight::manage) return std::nullopt;
  const auto rights = access_.rights_for(head.field("authorization"), exchange.peer_is_loopback());
  if (!rights) return unauthorized(true);
  if (rights->may_manage()) return std::nullopt;
  return rights->anonymous ? unauthorized(false) : forbidden("manage the hub");
}

std::vector<HeaderField> Gate::answer_fields(const Exchange& exchange) const {
  return cors_fields(exchange, config_.origins, config_.mode == HubMode::dev);
}

Response Gate::preflight(const Exchange& exchange, const std::string& methods) const {
  Response response{.status = 204, .fields = {{"allow", methods}}, .body = {}};
  const auto cors = answer_fields(exchange);
  const bool allowed = std::ranges::any_of(
      cors, [](const HeaderField& field) { return field.name == "access-control-allow-origin"; });
  if (!allowed) return response;
  response.fields.push_back({"access-control-allow-methods", methods});
  response.fields.push_back({"access-control-allow-headers",
                             "Authorization, Last-Event-ID, Content-Type, If-None-Match, "
                             "Idempotency-Key, ce-id, ce-source, ce-type, "
                             "ce-specversion, ce-subject, ce-time, ce-key, ce-dataschema"});
  response.fields.push_back({"access-control-max-age", "600"});
  return response;
}

}  // namespace carillon
