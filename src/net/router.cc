#include "net/router.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace carillon {

namespace {

constexpr std::array<std::string_view, 9> kKnownMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};

// The views are of `path`.
std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  for (;;) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path = path.substr(slash + 1);
  }
}

bool is_value(std::string_view segment) { return segment.starts_with('{'); }
bool is_rest(std::string_view segment) { return segment.starts_with("{*"); }

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) return true;
    if (i >= path.size()) return false;
    if (is_value(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  }
  return pattern.size() == path.size();
}

PathValues values_of(const std::vector<std::string>& pattern,
                     const std::vector<std::string_view>& path) {
  PathValues values;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (is_rest(pattern[i])) {
      values.push_back(
          fmt::format("{}", fmt::join(path.begin() + static_cast<ptrdiff_t>(i), path.end(), "/")));
    } else if (is_value(pattern[i])) {
      values.emplace_back(path[i]);
    }
  }
  return values;
}

bool answers(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
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
  Compiled compiled{.segments = {}, .route = routes_.size()};
  for (const auto segment : split_path(route.path)) compiled.segments.emplace_back(segment);
  compiled_.push_back(std::move(compiled));
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
  const auto compiled = std::ranges::find_if(compiled_, [&](const Compiled& each) {
    return answers(routes_[each.route], method) && matches(each.segments, path);
  });
  if (compiled == compiled_.end()) return exchange->respond(without_route(*exchange, path));
  const Route& route = routes_[compiled->route];
  if (auto refused = gate_.refuse(*exchange, route.right))
    return exchange->respond(std::move(*refused));
  auto values = values_of(compiled->segments, path);
  if (route.method != "GET") return route.handler(std::move(exchange), std::move(values));
  // A read sees what the requests before it on its connection did.
  Exchange& waiting = *exchange;
  waiting.when_due([&route, exchange = std::move(exchange), values = std::move(values)]() mutable {
    route.handler(std::move(exchange), std::move(values));
  });
}

// Another path, another method, or OPTIONS.
Response Router::without_route(const Exchange& exchange,
                               const std::vector<std::string_view>& path) const {
  if (auto refused = gate_.refuse(exchange, RouteRight::open)) return std::move(*refused);
  std::set<std::string> methods;
  for (const Compiled& compiled : compiled_) {
    if (!matches(compiled.segments, path)) continue;
    const Route& route = routes_[compiled.route];
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
  }
  if (methods.empty() && exchange.target().path != "*") {
    return problem_response(make_problem(kNotFound,
                                         fmt::format("there is no {}", exchange.target().path),
                                         "The README lists the paths of the hub."));
  }
  methods.insert("OPTIONS");
  if (exchange.head().method == "OPTIONS")
    return gate_.preflight(exchange, fmt::format("{}", fmt::join(methods, ", ")));
  return wrong_method(methods, exchange.head().method);
}

}  // namespace carillon
