#include "net/http1_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/pieces.h"
namespace carillon {
namespace {

using boost::asio::ip::tcp;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// What the requests of a test are handed to: kept, and handled as the test says.
class TestService : public HttpService {
 public:
  void begin(std::shared_ptr<Exchange> exchange) override {
    asked.push_back(exchange);
    if (handle != nullptr) handle(exchange);
  }

  std::vector<std::shared_ptr<Exchange>> asked;
  std::function<void(const std::shared_ptr<Exchange>&)> handle;
};

// The other end of a connection: a plain socket that never blocks.
class TestClient {
 public:
  explicit TestClient(const tcp::endpoint& endpoint) : socket_(context_) {
    socket_.connect(endpoint);
    socket_.non_blocking(true);
  }

  void send(std::string_view text) { outgoing_ += text; }
  // Nothing more will be sent; what comes is still read.
  void finish() { socket_.shutdown(tcp::socket::shutdown_send); }
  void close() { socket_.close(); }
  void pump() {
    if (!socket_.is_open()) return;
    boost::system::error_code error;
    const size_t sent = socket_.write_some(boost::asio::buffer(outgoing_), error);
    outgoing_.erase(0, sent);
    std::array<char, 65536> buffer;
    while (reads && !ended) {
      const size_t got = socket_.read_some(boost::asio::buffer(buffer), error);
      received.append(buffer.data(), got);
      if (error == boost::asio::error::would_block) break;
      if (error) ended = true;
    }
  }

  std::string received;
  bool ended = false;  // the server closed
  bool reads = true;

 private:
  boost::asio::io_context context_;
  tcp::socket socket_;
  std::string outgoing_;
};

// One loop that the test plays turn by turn, with real sockets on loopback.
class TestServer {
 public:
  ~TestServer() { table.close_all(); }

  TestClient& connect() {
    clients_.push_back(std::make_unique<TestClient>(acceptor_.local_endpoint()));
    auto connection = std::make_shared<Http1Connection>(loop, table, service, acceptor_.accept());
    table.add(connection);
    connection->start();
    return *clients_.back();
  }
  void turn() {
    for (const auto& client : clients_) client->pump();
    loop.context().restart();
    loop.context().poll();
    while (table.on_turn_end()) {
    }
    for (const auto& client : clients_) client->pump();
  }
  // Turns until `done`; false when it never comes.
  bool until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < give_up) {
      turn();
      if (done()) return true;
      loop.context().restart();
      loop.context().run_one_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  // Turns until nothing moves: for what must not happen.
  void settle() {
    for (int i = 0; i < 20; ++i) turn();
  }
  bool until_received(TestClient& client, std::string_view part) {
    return until([&] { return client.received.find(part) != std::string::npos; });
  }
  bool until_ended(TestClient& client) {
    return until([&] { return client.ended; });
  }
  bool until_asked(size_t count) {
    return until([&] { return service.asked.size() >= count; });
  }
  void sweep_after(std::chrono::seconds passed) { table.on_sweep(loop.now() + passed); }
  uint64_t ended_for(const std::string& reason) const {
    const auto found = table.end_reasons().find(reason);
    return found == table.end_reasons().end() ? 0 : found->second;
  }

  Loop loop{0};
  ConnectionTable table{loop};
  TestService service;

 private:
  tcp::acceptor acceptor_{loop.context(), {boost::asio::ip::address_v4::loopback(), 0}};
  std::vector<std::unique_ptr<TestClient>> clients_;
};

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /p HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string post_sized(const std::string& body, const std::string& fields = "") {
  return post(fields + "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}

// The bodies of finite answers that stand behind each other.
std::vector<std::string> bodies_of(std::string_view wire) {
  constexpr std::string_view kLength = "content-length: ";
  std::vector<std::string> bodies;
  while (true) {
    const size_t end = wire.find("\r\n\r\n");
    if (end == std::string_view::npos) return bodies;
    const size_t at = wire.substr(0, end).find(kLength);
    const size_t length = at == std::string_view::npos
                              ? 0
                              : std::stoul(std::string(wire.substr(at + kLength.size(), 12)));
    if (wire.size() < end + 4 + length) return bodies;
    bodies.emplace_back(wire.substr(end + 4, length));
    wire.remove_prefix(end + 4 + length);
  }
}

class Http1ConnectionTest : public testing::Test {
 protected:
  // Answers a request with its path, or with its body of at most 1,000 bytes.
  static void echo(const std::shared_ptr<Exchange>& exchange) {
    if (!exchange->has_body()) return exchange->respond({.body = exchange->target().path});
    exchange->read_body(
        1'000, [exchange](std::string body) { exchange->respond({.body = std::move(body)}); });
  }
  void answer(size_t number, std::string body) {
    server.service.asked.at(number)->respond({.body = std::move(body)});
  }
  // Sends it alone on a new connection: refused with `status`, then closed, and nobody was asked.
  void expect_refused(const std::string& wire, const std::string& status) {
    const size_t asked = server.service.asked.size();
    TestClient& one = server.connect();
    one.send(wire + get("/smuggled"));
    EXPECT_TRUE(server.until_ended(one)) << wire;
    EXPECT_THAT(one.received, StartsWith("HTTP/1.1 " + status)) << wire;
    EXPECT_THAT(one.received, HasSubstr("connection: close")) << wire;
    EXPECT_EQ(server.service.asked.size(), asked) << wire;
  }

  TestServer server;
  TestClient& client = server.connect();
};

TEST_F(Http1ConnectionTest, AConnectionServesOneRequestAfterAnother) {
  server.service.handle = echo;

  client.send(get("/first"));
  ASSERT_TRUE(server.until_received(client, "/first"));
  client.send(get("/second"));
  ASSERT_TRUE(server.until_received(client, "/second"));

  EXPECT_THAT(bodies_of(client.received), ElementsAre("/first", "/second"));
  EXPECT_FALSE(client.ended);
}

TEST_F(Http1ConnectionTest, PipelinedRequestsAreAnsweredInTheirOrderAsF116Says) {
  client.send(get("/0") + get("/1") + get("/2"));
  ASSERT_TRUE(server.until_asked(3));

  answer(2, "two");
  answer(1, "one");
  server.settle();
  EXPECT_EQ(client.received, "");
  answer(0, "zero");

  ASSERT_TRUE(server.until_received(client, "two"));
  EXPECT_THAT(bodies_of(client.received), ElementsAre("zero", "one", "two"));
}

TEST_F(Http1ConnectionTest, AtMost64RequestsAreReadAheadOfTheirAnswers) {
  std::string wire;
  for (int i = 0; i < 100; ++i) wire += get("/");
  client.send(wire);
  ASSERT_TRUE(server.until_asked(64));
  server.settle();
  EXPECT_EQ(server.service.asked.size(), 64U);

  for (size_t i = 0; i < 64; ++i) answer(i, "x");

  EXPECT_TRUE(server.until_asked(100));
  for (size_t i = 64; i < 100; ++i) answer(i, "x");
  EXPECT_TRUE(server.until([&] { return bodies_of(client.received).size() == 100; }));
}

TEST_F(Http1ConnectionTest, HowARequestIsCutMakesNoDifference) {
  server.service.handle = echo;
  const std::string chunked = "5;x=\"y\"\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
  const std::string wire = post_sized("sized body") + get("/between") +
                           post("Transfer-Encoding: chunked\r\n", chunked) + get("/last");

  for (int seed = 0; seed < 20; ++seed) {
    TestClient& one = server.connect();
    // The first pieces go together, so that every round is cut in another way.
    Pieces pieces(wire);
    for (int skipped = 0; skipped < seed; ++skipped) {
      if (const auto piece = pieces.next()) one.send(*piece);
    }
    while (const auto piece = pieces.next()) {
      server.turn();
      one.send(*piece);
    }
    ASSERT_TRUE(server.until_received(one, "/last"));
    EXPECT_THAT(bodies_of(one.received),
                ElementsAre("sized body", "/between", "hello world", "/last"));
  }
}

TEST_F(Http1ConnectionTest, AClientThatAsksToCloseIsAnsweredAndClosed) {
  server.service.handle = echo;
  client.send(get("/a", "Connection: close\r\n") + get("/b"));

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(client.received, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(bodies_of(client.received), ElementsAre("/a"));
  EXPECT_EQ(server.service.asked.size(), 1U);
}

TEST_F(Http1ConnectionTest, Http10ClosesBehindItsAnswer) {
  server.service.handle = echo;
  client.send("GET /old HTTP/1.0\r\n\r\n");

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(bodies_of(client.received), ElementsAre("/old"));
}

TEST_F(Http1ConnectionTest, AnUpgradeToCleartextHttp2IsIgnoredAsF120Says) {
  server.service.handle = echo;
  client.send(get("/a",
                  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                  "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"));

  ASSERT_TRUE(server.until_received(client, "/a"));

  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 200"));
}

TEST_F(Http1ConnectionTest, HeadIsAnsweredWithTheHeadAlone) {
  server.service.handle = [](const auto& exchange) { exchange->respond({.body = "12345"}); };
  client.send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b"));

  ASSERT_TRUE(server.until_received(client, "12345"));

  EXPECT_THAT(client.received, HasSubstr("content-length: 5\r\n\r\nHTTP/1.1 200"));
}

TEST_F(Http1ConnectionTest, ABodyIsWantedOnlyBehind100Continue) {
  server.service.handle = echo;
  client.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
  ASSERT_TRUE(server.until_received(client, "\r\n\r\n"));
  EXPECT_EQ(client.received, "HTTP/1.1 100 Continue\r\n\r\n");

  client.send("hello");

  ASSERT_TRUE(server.until_received(client, "hello"));
  EXPECT_THAT(client.received, HasSubstr("HTTP/1.1 200"));
}

TEST_F(Http1ConnectionTest, WhatIsRefusedByItsHeadIsNeverToldToContinueAsF117Says) {
  server.service.handle = [](const auto& exchange) { exchange->respond({.status = 401}); };
  client.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 401"));
}

TEST_F(Http1ConnectionTest, ABodyThatIsAnnouncedTooLargeIs413WithoutContinue) {
  server.service.handle = echo;
  client.send(post("Content-Length: 1001\r\nExpect: 100-continue\r\n", ""));

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 413"));
}

TEST_F(Http1ConnectionTest, AChunkedBodyIs413WhenItGrowsTooLarge) {
  server.service.handle = echo;
  client.send(post("Transfer-Encoding: chunked\r\n", "1f4\r\n" + std::string(500, 'x') + "\r\n"));
  server.settle();
  EXPECT_EQ(client.received, "");

  client.send("1f5\r\n");

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 413"));
}

TEST_F(Http1ConnectionTest, ABodyThatNobodyReadIsNotTakenForARequest) {
  server.service.handle = [](const auto& exchange) { exchange->respond({.status = 403}); };
  client.send(post_sized(get("/smuggled")));

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(server.service.asked.size(), 1U);
}

TEST_F(Http1ConnectionTest, DoubtAboutFramingIsRefusedAndNothingBehindItIsRead) {
  expect_refused(post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400");
  expect_refused(post("Content-Length: 1\r\nContent-Length: 1\r\n", "x"), "400");
  expect_refused(post("Content-Length: +1\r\n", "x"), "400");
  expect_refused("GET / HTTP/1.1\r\n\r\n", "400");
  expect_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400");
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", "400");
  expect_refused("GET / HTTP/1.1\nHost: a\n\n", "400");
  expect_refused(get("/a/../b"), "400");
  expect_refused(get("/", "Expect: magic\r\n"), "417");
}

TEST_F(Http1ConnectionTest, AHeadOrTargetBeyondItsBoundIsRefused) {
  expect_refused("GET /" + std::string(kHeadBytesMax, 'a'), "414");
  expect_refused(get("/", "X: " + std::string(kHeadBytesMax, 'a') + "\r\n"), "431");
}

TEST_F(Http1ConnectionTest, AnswersBeforeABrokenRequestLeaveFirst) {
  client.send(get("/a") + "BROKEN\r\n\r\n");
  ASSERT_TRUE(server.until_asked(1));
  server.settle();
  EXPECT_EQ(client.received, "");

  answer(0, "whole");

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.received, HasSubstr("wholeHTTP/1.1 400"));
}

TEST_F(Http1ConnectionTest, ABrokenChunkTakesNothingOfTheBody) {
  bool taken = false;
  server.service.handle = [&](const auto& exchange) {
    exchange->read_body(1'000, [&](const std::string&) { taken = true; });
  };
  client.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nzz\r\n"));

  ASSERT_TRUE(server.until_ended(client));

  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 400"));
  EXPECT_FALSE(taken);
}

TEST_F(Http1ConnectionTest, ABodyCutByTheClientIsDiscardedAsF115Says) {
  bool taken = false;
  server.service.handle = [&](const auto& exchange) {
    exchange->read_body(1'000, [&](const std::string&) { taken = true; });
  };
  client.send(post("Content-Length: 10\r\n", "half"));
  ASSERT_TRUE(server.until_asked(1));
  server.settle();

  client.finish();

  EXPECT_TRUE(server.until([&] { return server.table.size() == 0; }));
  EXPECT_FALSE(taken);
  EXPECT_EQ(server.ended_for("client closed"), 1U);
}

TEST_F(Http1ConnectionTest, AClientThatOnlyStopsSendingStillGetsItsAnswers) {
  client.send(get("/a") + get("/b"));
  ASSERT_TRUE(server.until_asked(2));
  client.finish();
  server.settle();

  answer(0, "one");
  answer(1, "two");

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(bodies_of(client.received), ElementsAre("one", "two"));
  EXPECT_EQ(server.table.size(), 0U);
}

TEST_F(Http1ConnectionTest, AClientThatOnlyStopsSendingGetsItsAnswersOneByOneToo) {
  client.send(get("/a") + get("/b"));
  ASSERT_TRUE(server.until_asked(2));
  client.finish();
  server.settle();

  answer(0, "one");
  ASSERT_TRUE(server.until_received(client, "one"));
  answer(1, "two");

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(bodies_of(client.received), ElementsAre("one", "two"));
}

TEST_F(Http1ConnectionTest, AClientThatStopsSendingGetsALargeAnswerWhole) {
  constexpr size_t kBytes = 32 * kMiB;
  client.reads = false;
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  answer(0, std::string(kBytes, 'x'));
  server.settle();
  client.finish();
  server.settle();

  client.reads = true;

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_EQ(bodies_of(client.received).size(), 1U);
  EXPECT_GE(client.received.size(), kBytes);
}

TEST_F(Http1ConnectionTest, ASlowReaderGetsALargeAnswerWholeAndInOrder) {
  client.reads = false;
  client.send(get("/a") + get("/b"));
  ASSERT_TRUE(server.until_asked(2));
  const std::string large(16 * kMiB, 'x');
  answer(0, large);
  answer(1, "small");
  server.settle();

  client.reads = true;

  ASSERT_TRUE(server.until_received(client, "small"));
  EXPECT_THAT(bodies_of(client.received), ElementsAre(large, "small"));
}

TEST_F(Http1ConnectionTest, AnIdleConnectionIsClosedAfter75Seconds) {
  server.service.handle = echo;
  client.send(get("/a"));
  ASSERT_TRUE(server.until_received(client, "/a"));

  server.sweep_after(kIdleTimeout - seconds(1));
  EXPECT_EQ(server.table.size(), 1U);
  server.sweep_after(kIdleTimeout);

  EXPECT_EQ(server.table.size(), 0U);
  EXPECT_EQ(server.ended_for("idle"), 1U);
}

TEST_F(Http1ConnectionTest, AConnectionThatSaysNothingIsClosedAfterTenSeconds) {
  server.sweep_after(kHeadTimeout - seconds(1));
  EXPECT_EQ(server.table.size(), 1U);
  server.sweep_after(kHeadTimeout);

  EXPECT_EQ(server.table.size(), 0U);
}

TEST_F(Http1ConnectionTest, AHeadThatDribblesIs408) {
  client.send("GET / HTTP/1.1\r\nHost: ");
  server.settle();
  server.sweep_after(kHeadTimeout - seconds(1));
  server.settle();
  EXPECT_EQ(client.received, "");

  server.sweep_after(kHeadTimeout);

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 408"));
}

TEST_F(Http1ConnectionTest, ABodySlowerThanOneKibibyteASecondIs408AsT20Says) {
  server.service.handle = [](const auto& exchange) {
    exchange->read_body(100'000, [](const std::string&) {});
  };
  client.send(post("Content-Length: 100000\r\n", std::string(2'000, 'x')));
  ASSERT_TRUE(server.until_asked(1));
  server.settle();
  server.sweep_after(kBodyGrace + seconds(1));
  server.settle();
  EXPECT_EQ(client.received, "");

  server.sweep_after(kBodyGrace + seconds(2));

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 408"));
}

TEST_F(Http1ConnectionTest, ARequestThatWaitsForItsAnswerIsNotTimedOut) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));

  server.sweep_after(seconds(3'600));
  answer(0, "late");

  EXPECT_TRUE(server.until_received(client, "late"));
}

TEST_F(Http1ConnectionTest, AnAnswerThatIsNotTakenEndsTheConnection) {
  client.reads = false;
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  answer(0, std::string(32 * kMiB, 'x'));
  server.settle();
  EXPECT_EQ(server.table.size(), 1U);

  server.sweep_after(kIdleTimeout);

  EXPECT_EQ(server.table.size(), 0U);
  EXPECT_EQ(server.ended_for("answer not taken"), 1U);
}

TEST_F(Http1ConnectionTest, DrainingClosesWhoIsIdleAndFinishesWhatWasBegun) {
  TestClient& busy = server.connect();
  busy.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));

  server.table.drain();
  EXPECT_TRUE(server.until_ended(client));
  EXPECT_FALSE(busy.ended);
  answer(0, "last");

  ASSERT_TRUE(server.until_ended(busy));
  EXPECT_THAT(busy.received, HasSubstr("connection: close"));
  EXPECT_THAT(bodies_of(busy.received), ElementsAre("last"));
}

TEST_F(Http1ConnectionTest, ARefusedClientThatGoesOnSendingIsCutAfterAWhile) {
  client.send("BROKEN\r\n\r\n");
  ASSERT_TRUE(server.until_ended(client));
  client.send(std::string(100'000, 'x'));
  server.settle();
  EXPECT_EQ(server.table.size(), 1U);

  server.sweep_after(seconds(5));

  EXPECT_EQ(server.table.size(), 0U);
  EXPECT_THAT(server.service.asked, IsEmpty());
}

TEST_F(Http1ConnectionTest, AConnectionKnowsItsPeer) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));

  EXPECT_EQ(server.service.asked[0]->peer(), "127.0.0.1");
  EXPECT_TRUE(server.service.asked[0]->peer_is_loopback());
  EXPECT_THAT(server.table.connections().begin()->second->describe(),
              HasSubstr(R"("protocol":"http","requests":1)"));
}

}  // namespace
}  // namespace carillon
