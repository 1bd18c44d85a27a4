#include "net/http1_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "net/http1_connection.h"

namespace carillon {
namespace {

using boost::asio::ip::tcp;
using testing::ElementsAre;
using testing::HasSubstr;
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
  // Goes away without a word more: what is half-closed may still be waiting.
  void reset() {
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    socket_.close();
  }
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

// Writes down what a body is told.
class NotingSink : public BodySink {
 public:
  struct Notes {
    std::string body;
    bool ended = false;
    bool gone = false;
    bool go_on = true;
  };
  explicit NotingSink(Notes& notes) : notes_(notes) {}
  bool on_body(std::string_view bytes) override {
    notes_.body += bytes;
    return notes_.go_on;
  }
  void on_body_end() override { notes_.ended = true; }
  void on_body_gone() override { notes_.gone = true; }

 private:
  Notes& notes_;
};

class Http1ExchangeTest : public testing::Test {
 protected:
  NotingSink::Notes notes;  // outlives the connections whose sinks write it

  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  static std::string post(size_t length) {
    return "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  Exchange& asked(size_t number) { return *server.service.asked.at(number); }
  void stream_body_into_notes() {
    server.service.handle = [&](const auto& exchange) {
      exchange->stream_body(std::make_unique<NotingSink>(notes));
    };
  }

  TestServer server;
  TestClient& client = server.connect();
};

TEST_F(Http1ExchangeTest, TheFirstAnswerCountsAndTheSecondIsIgnored) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));

  asked(0).respond({.body = "first"});
  asked(0).respond({.body = "second"});

  ASSERT_TRUE(server.until_received(client, "first"));
  server.settle();
  EXPECT_EQ(client.received.find("second"), std::string::npos);
}

TEST_F(Http1ExchangeTest, ClientsThatGoAwayBeforeTheAnswerAreTold) {
  bool gone = false;
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  asked(0).on_gone([&] { gone = true; });

  client.reset();

  EXPECT_TRUE(server.until([&] { return gone; }));
  EXPECT_EQ(server.table.size(), 0U);
}

TEST_F(Http1ExchangeTest, WhoWasAnsweredIsNotToldThatTheClientWent) {
  bool gone = false;
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  asked(0).on_gone([&] { gone = true; });
  asked(0).respond({.body = "answer"});
  ASSERT_TRUE(server.until_received(client, "answer"));

  client.close();

  EXPECT_TRUE(server.until([&] { return server.table.size() == 0; }));
  EXPECT_FALSE(gone);
}

TEST_F(Http1ExchangeTest, AfterTheConnectionIsGoneEveryCallDoesNothing) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  server.table.close_all();
  bool ran = false;

  asked(0).respond({.body = "late"});
  asked(0).when_due([&] { ran = true; });
  asked(0).resume_body();
  asked(0).describe_as(R"("a":1)");

  EXPECT_FALSE(ran);
  EXPECT_EQ(asked(0).start_stream({}, "start", nullptr), nullptr);
  EXPECT_EQ(asked(0).target().path, "/a");
  EXPECT_EQ(asked(0).peer(), "127.0.0.1");
}

TEST_F(Http1ExchangeTest, ATaskRunsWhenTheAnswersBeforeItHaveLeft) {
  std::vector<int> due;
  client.send(get("/0") + get("/1") + get("/2"));
  ASSERT_TRUE(server.until_asked(3));
  asked(2).when_due([&] {
    due.push_back(2);
    asked(2).respond({.body = "two"});
  });
  asked(1).when_due([&] { due.push_back(1); });
  asked(0).when_due([&] { due.push_back(0); });
  EXPECT_THAT(due, ElementsAre(0));

  asked(0).respond({.body = "zero"});
  ASSERT_TRUE(server.until_received(client, "zero"));
  EXPECT_THAT(due, ElementsAre(0, 1));
  asked(1).respond({.body = "one"});

  ASSERT_TRUE(server.until_received(client, "two"));
  EXPECT_THAT(due, ElementsAre(0, 1, 2));
}

TEST_F(Http1ExchangeTest, ATaskOfAClientThatWentNeverRuns) {
  bool ran = false;
  client.send(get("/0") + get("/1"));
  ASSERT_TRUE(server.until_asked(2));
  asked(1).when_due([&] { ran = true; });

  server.table.close_all();
  asked(0).respond({});
  server.settle();

  EXPECT_FALSE(ran);
}

TEST_F(Http1ExchangeTest, AddedFieldsGoWithTheAnswerAndVaryIsOneList) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));
  asked(0).add_fields({{"vary", "Origin"}, {"x-added", "1"}});

  asked(0).respond({.fields = {{"vary", "Accept"}}, .body = "body"});

  ASSERT_TRUE(server.until_received(client, "body"));
  EXPECT_THAT(client.received, HasSubstr("\r\nvary: Accept, Origin\r\n"));
  EXPECT_THAT(client.received, HasSubstr("\r\nx-added: 1\r\n"));
}

TEST_F(Http1ExchangeTest, AWaitingRequestSaysWhatItWaitsFor) {
  client.send(get("/a"));
  ASSERT_TRUE(server.until_asked(1));

  asked(0).describe_as(R"("protocol":"long-poll")");

  EXPECT_EQ(server.table.connections().begin()->second->describe(), R"("protocol":"long-poll")");
}

TEST_F(Http1ExchangeTest, AWholeBodyIsHandedOverAtItsEnd) {
  std::vector<std::string> bodies;
  server.service.handle = [&](const auto& exchange) {
    exchange->read_body(100, [&](std::string body) { bodies.push_back(std::move(body)); });
  };
  client.send(post(6) + "abc");
  ASSERT_TRUE(server.until_asked(1));
  server.settle();
  EXPECT_TRUE(bodies.empty());

  client.send("def" + get("/next"));

  ASSERT_TRUE(server.until_asked(2));
  EXPECT_THAT(bodies, ElementsAre("abcdef"));
}

TEST_F(Http1ExchangeTest, ABodyOfExactlyItsBoundIsTaken) {
  std::vector<std::string> bodies;
  server.service.handle = [&](const auto& exchange) {
    exchange->read_body(100, [&](std::string body) { bodies.push_back(std::move(body)); });
  };
  client.send(post(100) + std::string(100, 'x'));

  EXPECT_TRUE(server.until([&] { return bodies.size() == 1; }));
}

TEST_F(Http1ExchangeTest, ASinkThatSaysWaitGetsNoMoreUntilItIsResumed) {
  notes.go_on = false;
  stream_body_into_notes();
  client.send(post(8) + "aaaa");
  ASSERT_TRUE(server.until([&] { return notes.body == "aaaa"; }));
  client.send("bbbb" + get("/next"));
  server.settle();
  EXPECT_EQ(notes.body, "aaaa");
  EXPECT_FALSE(notes.ended);

  notes.go_on = true;
  asked(0).resume_body();

  EXPECT_TRUE(server.until([&] { return notes.ended; }));
  EXPECT_EQ(notes.body, "aaaabbbb");
  EXPECT_TRUE(server.until_asked(2));
}

TEST_F(Http1ExchangeTest, ASinkHearsThatItsClientWentInTheMiddle) {
  stream_body_into_notes();
  client.send(post(8) + "aaaa");
  ASSERT_TRUE(server.until([&] { return notes.body == "aaaa"; }));

  client.close();

  EXPECT_TRUE(server.until([&] { return notes.gone; }));
  EXPECT_FALSE(notes.ended);
}

}  // namespace
}  // namespace carillon
