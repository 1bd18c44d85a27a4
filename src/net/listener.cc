#include "net/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/http1_connection.h"

namespace carillon {

namespace {

using boost::asio::ip::tcp;

constexpr int kBacklog = 4096;
// Out of descriptors: look again when some may have been given back.
constexpr std::chrono::milliseconds kAcceptPause{100};

std::unexpected<Error> bind_error(const tcp::endpoint& endpoint,
                                  const boost::system::error_code& error) {
  const auto place = endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
  if (error == boost::asio::error::address_in_use) {
    return fail(Errc::busy,
                "{} is in use by another process: stop it, or listen elsewhere with --listen",
                place);
  }
  return fail(Errc::io, "cannot listen on {}: {}", place, error.message());
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  auto host = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  const auto port = parse_decimal(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port || *port > UINT16_MAX) {
    return fail(Errc::bad_input,
                "'{}' is no address to listen on: write ADDR:PORT, e.g. 127.0.0.1:8080", text);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  if (error)
    return fail(Errc::bad_input, "'{}' is no IP address; write e.g. 127.0.0.1:8080 or [::1]:8080",
                host);
  return ListenAddress{std::string(host), static_cast<uint16_t>(*port)};
}

Result<tcp::endpoint> probe_endpoint(const ListenAddress& address) {
  boost::asio::io_context context;
  tcp::endpoint endpoint(boost::asio::ip::make_address(address.host), address.port);
  tcp::acceptor acceptor(context, endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  boost::system::error_code error;
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  if (error) return bind_error(endpoint, error);
  return acceptor.local_endpoint();
}

Listener::Listener(Loop& loop, ConnectionTable& table, HttpService& service, Logger& logger)
    : loop_(loop),
      table_(table),
      service_(service),
      logger_(logger),
      acceptor_(loop.context()),
      pause_(loop.context()) {}

Result<> Listener::listen(const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return bind_error(endpoint, error);
  const int on = 1;
  ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error) return bind_error(endpoint, error);
  accept_next();
  return {};
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

void Listener::accept_next() {
  acceptor_.async_accept(
      loop_.context(), [this](boost::system::error_code error, tcp::socket socket) {
        if (error == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
        // Out of descriptors or memory; one that gave up meanwhile is nothing.
        if (error && error != boost::asio::error::connection_aborted) {
          logger_.warn("a new connection cannot be accepted", {{"error", error.message()}});
          return pause();
        }
        if (!error) {
          const int on = 1;
          ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          const auto connection =
              std::make_shared<Http1Connection>(loop_, table_, service_, std::move(socket));
          table_.add(connection);
          connection->start();
        }
        accept_next();
      });
}

void Listener::pause() {
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](boost::system::error_code error) {
    if (!error) accept_next();
  });
}

}  // namespace carillon
