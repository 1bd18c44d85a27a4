// From method and path to a handler, and the rules that hold for every request before one is
// called.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/exchange.h"

namespace carillon {

// What a route needs. A route cannot be added without saying so.
enum class RouteRight {
  open,       // nothing: pages
  probe,      // nothing, and under any Host: health
  publish,    // the door asks for the right to the topic named
  subscribe,  // likewise
  manage,     // checked before the handler is called
};

std::string_view name_of(RouteRight right);

// What stood for `{name}` in the route's path, in order.
using PathValues = std::vector<std::string>;
using RouteHandler = std::function<void(std::shared_ptr<Exchange>, PathValues)>;

struct Route {
  std::string method;  // HEAD is answered wherever GET is
  std::string path;    // `/t/{topic}/latest`; a last `{*name}` takes the rest of the path
  RouteRight right = RouteRight::open;
  RouteHandler handler;
};

// Host, Origin, CORS and the right to manage: what carillon.cc decides by the config.
class RequestGate {
 public:
  virtual ~RequestGate() = default;
  // An answer when the request goes no further.
  virtual std::optional<Response> refuse(const Exchange& exchange, RouteRight right) const = 0;
  // What goes with every answer to this request.
  virtual std::vector<HeaderField> answer_fields(const Exchange& exchange) const = 0;
  // The answer to OPTIONS, with the methods of the path.
  virtual Response preflight(const Exchange& exchange, const std::string& methods) const = 0;
};

// The service of one loop. Routes are added before the first request.
class Router : public HttpService {
 public:
  explicit Router(const RequestGate& gate) : gate_(gate) {}

  void add(Route route);
  const std::vector<Route>& routes() const { return routes_; }

  // HttpService
  void begin(std::shared_ptr<Exchange> exchange) override;

 private:
  struct Compiled {
    std::vector<std::string> segments;
    size_t route = 0;
  };
  Response without_route(const Exchange& exchange, const std::vector<std::string_view>& path) const;

  const RequestGate& gate_;
  std::vector<Route> routes_;
  std::vector<Compiled> compiled_;
};

}  // namespace carillon
