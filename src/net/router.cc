#include "net/router.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace carillon {

namespace {

constexpr std::array<std::string_view, 9> kKnownMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  for (;;) {
    const size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path = path.substr(slash + 1);
  }
}

bool is_value(std::string_view segment) { return segment.starts_with('{'); }
bool is_rest(std::string_view segment) { return segment.starts_with("{*"); }

std::optional<PathValues> match(const std::vector<std::string>& pattern,
                                const std::vector<std::string>& path) {
  PathValues values;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) {
      std::string rest;
      for (size_t k = i; k < path.size(); ++k) rest += (k > i ? "/" : "") + path[k];
      values.push_back(std::move(rest));
      return values;
    }
    if (i >= path.size()) return std::nullopt;
    if (is_value(pattern[i])) {
      if (path[i].empty()) return std::nullopt;
      values.push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return pattern.size() == path.size() ? std::optional(values) : std::nullopt;
}

Response wrong_method(const std::set<std::string>& methods, std::string_view method) {
  const auto allowed = fmt::format("{}", fmt::join(methods, ", "));
  auto response = problem_response(make_problem(kMethodNotAllowed,
                                                fmt::format("{} is not allowed here", method),
                                                fmt::format("Use one of: {}.", allowed)));
  response.fields.push_back({"allow", allowed});
  return response;
}

}  // namespace

std::string_view name_of(RouteRight right) {
  switch (right) {
    case RouteRight::open: return "open";
    case RouteRight::probe: return "probe";
    case RouteRight::publish: return "publish";
    case RouteRight::subscribe: return "subscribe";
    case RouteRight::manage: return "manage";
  }
  return "manage";
}

void Router::add(Route route) {
  compiled_.push_back({split_path(route.path), routes_.size()});
  routes_.push_back(std::move(route));
}

void Router::begin(std::shared_ptr<Exchange> exchange) {
  exchange->add_fields(gate_.answer_fields(*exchange));
  const auto& method = exchange->head().method;
  if (std::ranges::find(kKnownMethods, method) == kKnownMethods.end()) {
    return exchange->respond(
        problem_response(make_problem(kNotImplemented, "the method is not known here",
                                      "Use GET, HEAD, POST, DELETE or OPTIONS.")));
  }
  const auto path = split_path(exchange->target().path);
  std::set<std::string> methods;
  const Route* found = nullptr;
  PathValues values;
  for (const Compiled& compiled : compiled_) {
    auto matched = match(compiled.segments, path);
    if (!matched) continue;
    const Route& route = routes_[compiled.route];
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
    const bool wanted = route.method == method || (method == "HEAD" && route.method == "GET");
    if (!wanted || found != nullptr) continue;
    found = &route;
    values = std::move(*matched);
  }
  if (methods.empty() && exchange->target().path != "*") {
    if (auto refused = gate_.refuse(*exchange, RouteRight::open))
      return exchange->respond(std::move(*refused));
    return exchange->respond(problem_response(
        make_problem(kNotFound, fmt::format("there is no {}", exchange->target().path),
                     "The README lists the paths of the hub.")));
  }
  methods.insert("OPTIONS");
  if (method == "OPTIONS") {
    if (auto refused = gate_.refuse(*exchange, RouteRight::open))
      return exchange->respond(std::move(*refused));
    return exchange->respond(
        gate_.preflight(*exchange, fmt::format("{}", fmt::join(methods, ", "))));
  }
  if (auto refused = gate_.refuse(*exchange, found == nullptr ? RouteRight::open : found->right)) {
    return exchange->respond(std::move(*refused));
  }
  if (found == nullptr) return exchange->respond(wrong_method(methods, method));
  if (found->method != "GET") return found->handler(std::move(exchange), std::move(values));
  // A read sees what the requests before it on its connection did.
  Exchange& waiting = *exchange;
  waiting.when_due([found, exchange = std::move(exchange), values = std::move(values)]() mutable {
    found->handler(std::move(exchange), std::move(values));
  });
}

}  // namespace carillon
