#include "net/websocket.h"

#include <gmock/gmock.h>

#include "testing/fake_transport.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kMessageBytesMax = 1000;
constexpr WebSocketMask kMask = {'m', 'a', 's', 'k'};

std::string from_client(WebSocketOpcode opcode, std::string_view payload) {
  std::string out;
  append_client_frame(out, {.opcode = opcode, .mask = kMask}, payload);
  return out;
}
std::string from_hub(WebSocketOpcode opcode, std::string_view payload) {
  std::string out;
  append_websocket_frame(out, opcode, payload);
  return out;
}
std::string close_frame(uint16_t code, std::string_view reason) {
  std::string out;
  append_close_frame(out, code, reason);
  return out;
}

// What a handler was told; outlives it.
struct Notes {
  std::vector<std::string> messages;
  bool takes_more = true;
  int writable = 0;
  int drained = 0;
  int closing = 0;
  WebSocket* socket = nullptr;
};

class NotingHandler : public WebSocketHandler {
 public:
  explicit NotingHandler(Notes& notes) : notes_(notes) {}
  void on_open(WebSocket& socket) override { notes_.socket = &socket; }
  bool on_item(WebSocketItem item) override {
    notes_.messages.push_back(std::move(item.data));
    return notes_.takes_more;
  }
  void on_writable() override { ++notes_.writable; }
  void on_sweep(MonotonicTime) override {}
  void on_drain() override { ++notes_.drained; }
  void on_closing() override { ++notes_.closing; }
  std::string describe() const override { return R"("protocol":"noted")"; }

 private:
  Notes& notes_;
};

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() {
    auto socket =
        std::make_unique<WebSocket>(WebSocket::Options{.message_bytes_max = kMessageBytesMax,
                                                       .ping = std::chrono::seconds(15),
                                                       .stall = std::chrono::seconds(30)},
                                    std::make_unique<NotingHandler>(notes));
    socket_ = socket.get();
    handle.own(std::move(socket));
    socket_->begin(handle);
  }

  size_t feed(std::string_view bytes) { return socket_->on_bytes(bytes); }
  void sweep_after(std::chrono::seconds seconds) { socket_->on_sweep(began + seconds); }

  Loop loop{0};
  FakeStreamHandle handle{loop};
  Notes notes;
  WebSocket* socket_ = nullptr;
  MonotonicTime began = loop.now();
};

TEST_F(WebSocketTest, HandsOverMessagesAndAnswersPingsBetweenThem) {
  feed(from_client(WebSocketOpcode::text, "one") + from_client(WebSocketOpcode::ping, "p") +
       from_client(WebSocketOpcode::pong, "unasked") + from_client(WebSocketOpcode::binary, "two"));

  EXPECT_THAT(notes.messages, ElementsAre("one", "two"));
  EXPECT_EQ(handle.received(), from_hub(WebSocketOpcode::pong, "p"));
}

TEST_F(WebSocketTest, HoldsBackWhatItsHandlerDoesNotWantYet) {
  notes.takes_more = false;
  const std::string first = from_client(WebSocketOpcode::text, "one");

  const size_t taken = feed(first + from_client(WebSocketOpcode::text, "two"));

  EXPECT_EQ(taken, first.size());
  EXPECT_THAT(notes.messages, ElementsAre("one"));
}

// CONFORMANCE C2.9: of many pings the last is answered, and they cost no memory.
TEST_F(WebSocketTest, AnswersTheLastPingOnceTheSocketTakesIt) {
  handle.socket().block();
  socket_->send(from_hub(WebSocketOpcode::text, "waits"));
  for (int i = 0; i < 1000; ++i) feed(from_client(WebSocketOpcode::ping, std::to_string(i)));
  const size_t held = socket_->held_bytes();

  handle.make_writable();

  EXPECT_LE(held, 200U);
  EXPECT_EQ(handle.received(),
            from_hub(WebSocketOpcode::text, "waits") + from_hub(WebSocketOpcode::pong, "999"));
}

TEST_F(WebSocketTest, FinishesAFrameThatTheSocketCutBeforeAnythingElse) {
  const std::string one = from_hub(WebSocketOpcode::text, std::string(300, 'a'));
  const std::string two = from_hub(WebSocketOpcode::text, std::string(300, 'b'));
  std::string both = one + two;
  const iovec run{both.data(), both.size()};
  for (const size_t room : {size_t{1}, one.size() - 1, one.size(), one.size() + 1}) {
    handle.socket().give_room(room);
    const size_t before = handle.received().size();

    const auto result = socket_->write({&run, 1});

    // Up to the end of a frame: another reader may write next.
    const size_t whole = room <= one.size() ? one.size() : both.size();
    EXPECT_EQ(result.bytes, whole) << room;
    EXPECT_EQ(socket_->write({&run, 1}).bytes, 0U) << "nothing stands before the rest";
    socket_->wait_writable();
    handle.make_writable();
    EXPECT_EQ(handle.received().substr(before), both.substr(0, whole));
  }
}

// --- closing (CONFORMANCE C3) --------------------------------------------------------------------

TEST_F(WebSocketTest, AnswersACloseOnceWithItsCodeAndEndsTheConnection) {
  feed(from_client(WebSocketOpcode::close, "\x03\xE8 bye") +
       from_client(WebSocketOpcode::text, "behind it"));

  EXPECT_EQ(handle.received(), close_frame(1000, ""));
  EXPECT_TRUE(handle.ended());
  EXPECT_EQ(notes.closing, 1);
  EXPECT_THAT(notes.messages, IsEmpty());
}

TEST_F(WebSocketTest, AnswersACloseWithoutACodeWithOne) {
  feed(from_client(WebSocketOpcode::close, ""));

  EXPECT_EQ(handle.received(), from_hub(WebSocketOpcode::close, ""));
}

TEST_F(WebSocketTest, WaitsForTheAnswerToItsOwnClose) {
  socket_->close(4410, "gap", "gap");
  socket_->close(4400, "again", "again");
  socket_->send(from_hub(WebSocketOpcode::text, "late"));

  EXPECT_EQ(handle.received(), close_frame(4410, "gap"));
  EXPECT_FALSE(handle.ended());
  feed(from_client(WebSocketOpcode::text, "dropped") +
       from_client(WebSocketOpcode::close, "\x11\x3A"));
  EXPECT_TRUE(handle.ended());
  EXPECT_EQ(handle.reason(), "gap");
  EXPECT_EQ(notes.closing, 1);
  EXPECT_THAT(notes.messages, IsEmpty());
}

TEST_F(WebSocketTest, CutsAPeerThatDoesNotAnswerAClose) {
  socket_->close(4408, "too slow", "stalled");

  sweep_after(std::chrono::seconds(4));
  EXPECT_FALSE(handle.was_cut());
  sweep_after(std::chrono::seconds(6));

  EXPECT_TRUE(handle.was_cut());
  EXPECT_EQ(handle.reason(), "stalled");
}

TEST_F(WebSocketTest, ClosesAPeerThatBreaksTheProtocolAndListensNoMore) {
  feed("\x83\x80mask" + from_client(WebSocketOpcode::text, "behind it"));

  EXPECT_THAT(handle.received(), HasSubstr("a reserved opcode"));
  EXPECT_TRUE(handle.ended());
  EXPECT_EQ(handle.reason(), "protocol error");
  EXPECT_THAT(notes.messages, IsEmpty());
}

// The close code goes when the socket takes it.
TEST_F(WebSocketTest, SaysWhyBehindTheFrameThatWasCut) {
  std::string frame = from_hub(WebSocketOpcode::text, std::string(300, 'a'));
  const iovec run{frame.data(), frame.size()};
  handle.socket().give_room(10);
  socket_->write({&run, 1});

  socket_->close(4408, "too slow", "stalled");
  const std::string before = handle.received();
  handle.make_writable();

  EXPECT_EQ(before.size(), 10U);
  EXPECT_EQ(handle.received(), frame + close_frame(4408, "too slow"));
}

// --- silence (CONFORMANCE C2.11) -----------------------------------------------------------------

TEST_F(WebSocketTest, AsksASilentPeerAndEndsOneThatIsGone) {
  sweep_after(std::chrono::seconds(14));
  EXPECT_THAT(handle.received(), IsEmpty());
  sweep_after(std::chrono::seconds(15));
  EXPECT_EQ(handle.received(), from_hub(WebSocketOpcode::ping, ""));
  sweep_after(std::chrono::seconds(44));
  EXPECT_EQ(handle.received(), from_hub(WebSocketOpcode::ping, "")) << "one is enough";

  sweep_after(std::chrono::seconds(45));

  EXPECT_TRUE(handle.was_cut());
  EXPECT_EQ(handle.reason(), "silent");
}

// Also one that has no reader of the log, and asks without taking the answers.
TEST_F(WebSocketTest, ClosesAPeerThatTakesNothing) {
  handle.socket().block();
  notes.takes_more = false;
  socket_->send(from_hub(WebSocketOpcode::text, "an answer"));
  feed(from_client(WebSocketOpcode::text, "and it is read no further"));

  sweep_after(std::chrono::seconds(29));
  EXPECT_FALSE(socket_->closing());
  sweep_after(std::chrono::seconds(30));
  EXPECT_TRUE(socket_->closing());
  sweep_after(std::chrono::seconds(36));

  EXPECT_TRUE(handle.was_cut());
  EXPECT_EQ(handle.reason(), "stalled");
}

TEST_F(WebSocketTest, GivesAPongThatWaitsTheWholeTime) {
  handle.socket().block();
  feed(from_client(WebSocketOpcode::ping, "there?"));

  sweep_after(std::chrono::seconds(29));
  EXPECT_FALSE(socket_->closing()) << "though nothing was written through it before";
  sweep_after(std::chrono::seconds(31));
  EXPECT_TRUE(socket_->closing());
}

TEST_F(WebSocketTest, ClosesAPeerWhoseFrameDoesNotEnd) {
  const std::string frame = from_client(WebSocketOpcode::text, std::string(900, 'x'));
  feed(frame.substr(0, 100));
  sweep_after(std::chrono::seconds(1));
  sweep_after(std::chrono::seconds(11));
  EXPECT_FALSE(socket_->closing());

  sweep_after(std::chrono::seconds(13));

  EXPECT_TRUE(socket_->closing());
}

TEST_F(WebSocketTest, TakesAnyByteForLife) {
  sweep_after(std::chrono::seconds(15));
  feed(from_client(WebSocketOpcode::text, "half").substr(0, 1));

  sweep_after(std::chrono::seconds(60));

  EXPECT_FALSE(handle.was_cut());
}

TEST_F(WebSocketTest, TellsItsHandlerWhenThePeerIsGone) {
  handle.lose_peer();

  EXPECT_EQ(notes.closing, 1);
}

TEST_F(WebSocketTest, LetsItsHandlerSayGoodbye) {
  socket_->on_drain();
  EXPECT_EQ(notes.drained, 1);
  socket_->close(1001, "ending", "drained");
  socket_->on_drain();

  EXPECT_EQ(notes.drained, 1);
  EXPECT_THAT(handle.received(), EndsWith("ending"));
  EXPECT_THAT(socket_->describe(), HasSubstr(R"("closing":"drained")"));
}

}  // namespace
}  // namespace carillon
