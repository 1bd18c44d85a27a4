#include "net/http1_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "net/http1_connection.h"
#include "wire/chunked.h"
namespace carillon {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;
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

// Writes down what a stream is told. Its notes outlive it.
class NotingOwner : public StreamOwner {
 public:
  struct Notes {
    int writable = 0;
    bool gone = false;
    bool destroyed = false;
  };
  explicit NotingOwner(Notes& notes) : notes_(notes) {}
  ~NotingOwner() override { notes_.destroyed = true; }
  void on_writable() override { ++notes_.writable; }
  void on_gone() override { notes_.gone = true; }
  std::string describe() const override { return R"("protocol":"noting")"; }

 private:
  Notes& notes_;
};

WriteResult write(StreamHandle& stream, std::string text) {
  const iovec run{text.data(), text.size()};
  return stream.transport().write({&run, 1});
}

std::string chunk(const std::string& text) {
  std::string out;
  const size_t from = open_stream_frame(out, StreamFraming::chunked);
  out += text;
  close_stream_frame(out, from, StreamFraming::chunked);
  return out;
}

class Http1StreamTest : public testing::Test {
 protected:
  // Asks with `head` and begins the stream; null for HEAD.
  StreamHandle* begin(const std::string& head = "GET /s HTTP/1.1\r\nHost: a\r\n\r\n") {
    client.send(head);
    EXPECT_TRUE(server.until_asked(1));
    return server.service.asked.back()->start_stream(
        {.fields = {{"content-type", "text/event-stream"}}}, chunk("start "),
        std::make_unique<NotingOwner>(notes));
  }

  NotingOwner::Notes notes;
  TestServer server;
  TestClient& client = server.connect();
};

TEST_F(Http1StreamTest, TheHeadAndTheStartLeaveAtOnceAndFramesFollow) {
  StreamHandle* stream = begin();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->framing(), StreamFraming::chunked);

  EXPECT_EQ(write(*stream, chunk("one")).state, WriteState::open);

  ASSERT_TRUE(server.until_received(client, "one"));
  EXPECT_THAT(client.received, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.received,
              HasSubstr("transfer-encoding: chunked\r\n\r\n" + chunk("start ") + chunk("one")));
  EXPECT_FALSE(client.ended);
}

TEST_F(Http1StreamTest, ToHttp10TheBytesGoPlainAndTheirEndIsTheConnections) {
  StreamHandle* stream = begin("GET /s HTTP/1.0\r\n\r\n");
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->framing(), StreamFraming::plain);

  stream->end("last", "done");

  ASSERT_TRUE(server.until_ended(client));
  EXPECT_THAT(client.received, HasSubstr("connection: close\r\n\r\n"));
  EXPECT_THAT(client.received, Not(HasSubstr("transfer-encoding")));
  EXPECT_TRUE(client.received.ends_with("last"));
}

TEST_F(Http1StreamTest, ToHeadTheHeadAloneIsAnswered) {
  EXPECT_EQ(begin("HEAD /s HTTP/1.1\r\nHost: a\r\n\r\n"), nullptr);

  ASSERT_TRUE(server.until([&] { return client.received.ends_with("\r\n\r\n"); }));

  EXPECT_THAT(client.received, HasSubstr("content-type: text/event-stream"));
  EXPECT_THAT(client.received, Not(HasSubstr("content-length")));
  EXPECT_FALSE(client.ended);  // the connection serves the next request
  EXPECT_THAT(client.received, Not(HasSubstr("start")));
  EXPECT_TRUE(notes.destroyed);
}

TEST_F(Http1StreamTest, AnEndSendsWhatIsPendingAndTheLastChunkAndClosesInOrder) {
  StreamHandle* stream = begin();
  write(*stream, chunk("one"));

  stream->end(chunk("bye"), "drained");

  EXPECT_FALSE(notes.destroyed) << "it may be the caller";
  EXPECT_FALSE(notes.gone);
  ASSERT_TRUE(server.until_ended(client));
  EXPECT_TRUE(client.received.ends_with(chunk("one") + chunk("bye") + std::string(kLastChunk)));
  client.close();
  EXPECT_TRUE(server.until([&] { return server.table.size() == 0; }));
  EXPECT_EQ(server.ended_for("drained"), 1U);
  EXPECT_TRUE(notes.destroyed);
}

TEST_F(Http1StreamTest, ACutEndsTheConnectionAtOnceAndTellsNobody) {
  StreamHandle* stream = begin();

  stream->cut("too slow");

  EXPECT_FALSE(notes.destroyed) << "it may be the caller";
  EXPECT_FALSE(notes.gone);
  EXPECT_EQ(server.table.size(), 0U);
  EXPECT_EQ(server.ended_for("too slow"), 1U);
  EXPECT_TRUE(server.until([&] { return notes.destroyed; }));
  EXPECT_NE(server.table.ended().back().what, "");  // members of a JSON object
  EXPECT_TRUE(server.until_ended(client));
}

TEST_F(Http1StreamTest, AClientThatGoesAwayIsNoticedWithoutAWrite) {
  ASSERT_NE(begin(), nullptr);
  ASSERT_TRUE(server.until_received(client, "start"));

  client.close();

  EXPECT_TRUE(server.until([&] { return notes.gone; }));
  EXPECT_TRUE(notes.destroyed);
  EXPECT_EQ(server.table.size(), 0U);
}

TEST_F(Http1StreamTest, WhatTheClientSendsBesidesIsForgotten) {
  StreamHandle* stream = begin();
  client.send(std::string(200'000, 'x') + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  server.settle();

  write(*stream, chunk("one"));

  EXPECT_TRUE(server.until_received(client, "one"));
  EXPECT_EQ(server.service.asked.size(), 1U);
}

TEST_F(Http1StreamTest, ABlockedStreamIsToldWhenItMayWriteAgain) {
  StreamHandle* stream = begin();
  client.reads = false;
  const std::string frame = chunk(std::string(1 * kMiB, 'x'));
  size_t taken = 0;
  WriteResult result;
  while ((result = write(*stream, frame)).state == WriteState::open) {
    taken += result.bytes;
    ASSERT_LT(taken, 1024 * kMiB);
  }
  EXPECT_EQ(result.state, WriteState::blocked);
  stream->wait_writable();
  client.reads = true;

  EXPECT_TRUE(server.until([&] { return notes.writable == 1; }));
  EXPECT_NE(write(*stream, "x").state, WriteState::closed);
}

TEST_F(Http1StreamTest, AStreamBehindAnotherAnswerBeginsWhenThatHasLeft) {
  client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /s HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(server.until_asked(2));
  StreamHandle* stream = nullptr;
  const auto second = server.service.asked[1];
  second->when_due([&] {
    stream = second->start_stream({}, chunk("start "), std::make_unique<NotingOwner>(notes));
  });
  server.settle();
  EXPECT_EQ(stream, nullptr);

  server.service.asked[0]->respond({.body = "answer"});

  ASSERT_TRUE(server.until_received(client, "start"));
  ASSERT_NE(stream, nullptr);
  EXPECT_LT(client.received.find("answer"), client.received.find("start"));
}

TEST_F(Http1StreamTest, RequestsBehindAStreamAreNeverAnswered) {
  bool gone = false;
  client.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(server.until_asked(2));
  server.service.asked[1]->on_gone([&] { gone = true; });

  ASSERT_NE(server.service.asked[0]->start_stream({}, chunk("start "),
                                                  std::make_unique<NotingOwner>(notes)),
            nullptr);
  server.service.asked[1]->respond({.body = "never"});
  ASSERT_TRUE(server.until_received(client, "start"));
  server.settle();

  EXPECT_TRUE(gone);
  EXPECT_THAT(client.received, Not(HasSubstr("never")));
}

TEST_F(Http1StreamTest, AStreamIsNeverTimedOutByItsConnection) {
  ASSERT_NE(begin(), nullptr);

  server.sweep_after(std::chrono::hours(24));
  server.settle();

  EXPECT_FALSE(client.ended);
  EXPECT_EQ(server.table.size(), 1U);
}

TEST_F(Http1StreamTest, AnEndedStreamWhoseClientTakesNothingIsCutAtLast) {
  StreamHandle* stream = begin();
  client.reads = false;
  stream->end(std::string(64 * kMiB, 'x'), "drained");
  server.settle();
  EXPECT_EQ(server.table.size(), 1U);

  server.sweep_after(kIdleTimeout);

  EXPECT_EQ(server.table.size(), 0U);
}

TEST_F(Http1StreamTest, AConnectionWithAStreamIsDescribedByIt) {
  StreamHandle* stream = begin();
  const auto& connection = *server.table.connections().begin()->second;

  EXPECT_EQ(connection.describe(), R"("protocol":"noting")");
  EXPECT_EQ(stream->id(), connection.id());
  EXPECT_EQ(stream->peer(), "127.0.0.1");
  EXPECT_EQ(&stream->loop(), &server.loop);
}

TEST_F(Http1StreamTest, ADescriptorIsGivenOnceTheHeadHasLeft) {
  StreamHandle* stream = begin();
  ASSERT_TRUE(server.until_received(client, "start"));

  EXPECT_GE(stream->transport().plain_descriptor(), 0);
}

}  // namespace
}  // namespace carillon
