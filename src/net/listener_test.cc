#include "net/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace carillon {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;

// Answers every request with its path.
class PathService : public HttpService {
 public:
  void begin(std::shared_ptr<Exchange> exchange) override {
    exchange->respond({.status = 200, .body = exchange->target().path});
  }
};

std::string get(const tcp::endpoint& endpoint, const std::string& path) {
  boost::asio::io_context context;
  tcp::socket socket(context);
  socket.connect(endpoint);
  boost::asio::write(socket, boost::asio::buffer("GET " + path +
                                                 " HTTP/1.1\r\nHost: a\r\n"
                                                 "Connection: close\r\n\r\n"));
  std::string answer;
  boost::system::error_code error;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  return answer;
}

TEST(ListenAddress, AddressesPortsAndBothAreTaken) {
  const auto parsed = [](std::string_view text) {
    const auto address = parse_listen_address(text);
    return address ? address->host + " " + std::to_string(address->port) : address.error().detail;
  };

  EXPECT_EQ(parsed("127.0.0.1:8080"), "127.0.0.1 8080");
  EXPECT_EQ(parsed("0.0.0.0:0"), "0.0.0.0 0");
  EXPECT_EQ(parsed("[::1]:65535"), "::1 65535");
  EXPECT_EQ(parsed("localhost:80"), "127.0.0.1 80");
  EXPECT_EQ(parsed(":80"), "127.0.0.1 80");
  EXPECT_EQ(parsed("80"), "127.0.0.1 80");
}

TEST(ListenAddress, EverythingElseIsRefusedWithAnExample) {
  for (const std::string_view text :
       {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
        "127.0.0.1:http", "example.com:80", "256.0.0.1:80", "[::1]", "[::1:80", "[]:x",
        "http://127.0.0.1:80", " 127.0.0.1:80"}) {
    const auto address = parse_listen_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::bad_input);
    EXPECT_THAT(address.error().detail, HasSubstr("127.0.0.1:8080"));
  }
}

TEST(Listener, ProbingPortZeroGivesARealPort) {
  const auto endpoint = probe_endpoint({"127.0.0.1", 0});

  ASSERT_TRUE(endpoint);
  EXPECT_NE(endpoint->port(), 0);
}

TEST(Listener, ABusyPortIsRefusedByName) {
  boost::asio::io_context context;
  tcp::acceptor taken(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const auto port = taken.local_endpoint().port();

  const auto endpoint = probe_endpoint({"127.0.0.1", port});

  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().code, Errc::busy);
  EXPECT_THAT(endpoint.error().detail, HasSubstr("127.0.0.1:" + std::to_string(port)));
  EXPECT_THAT(endpoint.error().detail, HasSubstr("--listen"));
}

TEST(Listener, ASecondHubOnThePortOfARunningOneIsRefused) {
  Loop loop(0);
  ConnectionTable table(loop);
  PathService service;
  NullLogger logger;
  Listener listener(loop, table, service, logger);
  const auto endpoint = probe_endpoint({"127.0.0.1", 0});
  ASSERT_TRUE(endpoint);
  ASSERT_TRUE(listener.listen(*endpoint));

  const auto second = probe_endpoint({"127.0.0.1", endpoint->port()});

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
}

TEST(Listener, AnAddressThatIsNotThisMachinesIsAnError) {
  const auto endpoint = probe_endpoint({"192.0.2.1", 0});

  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().code, Errc::io);
}

TEST(Listener, ConnectionsAreServedUntilItIsClosed) {
  Loop loop(0);
  ConnectionTable table(loop);
  PathService service;
  NullLogger logger;
  Listener listener(loop, table, service, logger);
  const auto endpoint = probe_endpoint({"127.0.0.1", 0});
  ASSERT_TRUE(endpoint);
  ASSERT_TRUE(listener.listen(*endpoint));
  std::thread running([&] { loop.run(); });

  EXPECT_THAT(get(*endpoint, "/first"), HasSubstr("\r\n\r\n/first"));
  EXPECT_THAT(get(*endpoint, "/second"), HasSubstr("\r\n\r\n/second"));

  loop.post([&] {
    listener.close();
    table.close_all();
  });
  loop.stop();
  running.join();
  EXPECT_EQ(table.accepted(), 2U);
  EXPECT_TRUE(probe_endpoint({"127.0.0.1", endpoint->port()}));
}

TEST(Listener, TwoLoopsShareOnePort) {
  Loop first_loop(0);
  Loop second_loop(1);
  ConnectionTable first_table(first_loop);
  ConnectionTable second_table(second_loop);
  PathService service;
  NullLogger logger;
  Listener first(first_loop, first_table, service, logger);
  Listener second(second_loop, second_table, service, logger);
  const auto endpoint = probe_endpoint({"127.0.0.1", 0});
  ASSERT_TRUE(endpoint);

  EXPECT_TRUE(first.listen(*endpoint));
  EXPECT_TRUE(second.listen(*endpoint));
}

}  // namespace
}  // namespace carillon
