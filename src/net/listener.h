// Accepts connections for one loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>

#include "base/logger.h"
#include "base/result.h"
#include "net/connection_table.h"
#include "net/exchange.h"

namespace carillon {

struct ListenAddress {
  std::string host;  // an IPv4 or IPv6 address, or `localhost`
  uint16_t port = 0;
};

// `ADDR:PORT`, `[::1]:PORT`, `:PORT` and `PORT` (both: loopback).
Result<ListenAddress> parse_listen_address(std::string_view text);

// Binds once without SO_REUSEPORT, so that a second hub on the port is refused by name, and gives
// the real port.
Result<boost::asio::ip::tcp::endpoint> probe_endpoint(const ListenAddress& address);

// One a loop, all on one port by SO_REUSEPORT: the kernel spreads connections and no thread hands
// any over.
class Listener {
 public:
  Listener(Loop& loop, ConnectionTable& table, HttpService& service, Logger& logger);

  Result<> listen(const boost::asio::ip::tcp::endpoint& endpoint);
  // Stops accepting; on the loop's thread.
  void close();

 private:
  void accept_next();
  void pause();

  Loop& loop_;
  ConnectionTable& table_;
  HttpService& service_;
  Logger& logger_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
};

}  // namespace carillon
