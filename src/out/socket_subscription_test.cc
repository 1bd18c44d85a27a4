#include "out/socket_subscription.h"

#include <gmock/gmock.h>

#include "out/socket_client_test.h"

namespace carillon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

ClassKey payloads_of(const std::string& topic) {
  ClassKey key = Hub::key_of({topic});
  key.form = {.kind = StreamKind::websocket_data, .framing = StreamFraming::plain};
  return key;
}

// Reads each of its topics by a subscription of its own.
class ReadingHandler : public WebSocketHandler {
 public:
  ReadingHandler(FanOut& fan_out, std::vector<std::string> topics)
      : fan_out_(fan_out), topics_(std::move(topics)) {}
  void on_open(WebSocket& socket) override {
    socket_ = &socket;
    for (const auto& topic : topics_) {
      readers_.push_back(std::make_unique<SocketSubscription>(
          socket, fan_out_,
          StreamReader::Start{payloads_of(topic), fan_out_.hub().tail().end(),
                              fan_out_.hub().mark_number()}));
      readers_.back()->begin();
    }
  }
  bool on_item(WebSocketItem) override { return true; }
  void on_writable() override {
    for (const auto& reader : readers_) reader->reader().on_writable();
  }
  void on_sweep(MonotonicTime) override {}
  void on_drain() override { socket_->close(kCloseGoingAway, "ending", "drained"); }
  void on_closing() override {
    for (const auto& reader : readers_) reader->stop();
  }
  std::string describe() const override { return R"("protocol":"websocket")"; }

 private:
  FanOut& fan_out_;
  WebSocket* socket_ = nullptr;
  std::vector<std::string> topics_;
  std::vector<std::unique_ptr<SocketSubscription>> readers_;
};

FakeStreamHandle& open(Hub& hub, std::vector<std::string> topics) {
  auto& handle =
      hub.open_socket(std::make_unique<ReadingHandler>(hub.fan_out(), std::move(topics)));
  hub.settle();
  return handle;
}

// Whatever the socket takes at a time, the frames of one reader never stand inside another's.
TEST(SocketSubscription, ReadersOfOneSocketTakeTurnsAtTheEndsOfFrames) {
  for (const size_t room : {1, 2, 3, 5, 8, 13, 200}) {
    Hub hub;
    auto& handle = open(hub, {"a", "b", "c"});
    handle.socket().block();
    std::vector<std::string> published;
    for (int i = 0; i < 12; ++i) {
      const std::string topic(1, static_cast<char>('a' + i % 3));
      published.push_back(topic + std::to_string(i) + std::string(100, '.'));
      hub.publish(topic, published.back());
      hub.take_mail();
      hub.end_turn();
      handle.make_writable(room);
      handle.socket().block();
      hub.end_turn();
    }

    handle.make_writable();
    hub.settle();

    const auto got = heard(handle);
    EXPECT_THAT(got, testing::UnorderedElementsAreArray(published)) << room;
    for (const char topic : {'a', 'b', 'c'}) {
      std::vector<std::string> of_topic;
      for (const auto& data : got) {
        if (data[0] == topic) of_topic.push_back(data);
      }
      std::vector<std::string> in_order;
      for (const auto& data : published) {
        if (data[0] == topic) in_order.push_back(data);
      }
      EXPECT_EQ(of_topic, in_order) << room;
    }
  }
}

TEST(SocketSubscription, AStalledReaderClosesTheSocketWith4408) {
  Hub hub;
  auto& handle = open(hub, {"a", "b"});
  handle.socket().block();
  hub.publish("a", "x");
  hub.settle();

  hub.fan_out().on_sweep(hub.later(kStall + seconds(1)));
  handle.make_writable();

  EXPECT_THAT(heard(handle), Contains("close 4408"));
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

// A large frame over a slow line: the peer takes it, if slowly.
TEST(SocketSubscription, AReaderWhoseFrameIsBeingTakenIsNotStalled) {
  Hub hub;
  auto& handle = open(hub, {"a"});
  handle.socket().give_room(1000);
  hub.publish("a", std::string(100'000, 'x'));
  hub.take_mail();
  hub.end_turn();
  hub.publish("a", "next");
  hub.settle();

  // (The loop's own clock stands still here: what counts is that something was taken by then.)
  handle.make_writable(1000);
  hub.fan_out().on_sweep(hub.later(kStall - seconds(1)));
  handle.make_writable();
  hub.settle();

  EXPECT_EQ(heard(handle).back(), "next");
}

TEST(SocketSubscription, AGapClosesASocketThatHasNoWordForIt) {
  Hub hub;
  auto& handle = open(hub, {"a"});
  handle.socket().block();
  hub.publish("a", "one");
  hub.publish("a", "two");
  hub.settle();
  hub.trim("a", Position{hub.last().value});

  handle.make_writable();
  hub.settle();

  EXPECT_EQ(heard(handle).back(), "close 4410");
}

TEST(SocketSubscription, ADrainClosesEachSocketOnceWithAllItsReaders) {
  Hub hub;
  auto& handle = open(hub, {"a", "b"});

  hub.fan_out().drain();

  EXPECT_THAT(heard(handle), ElementsAre("close 1001"));
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

TEST(SocketSubscription, APeerThatIsGoneTakesItsReadersAlong) {
  Hub hub;
  auto& handle = open(hub, {"a", "b"});
  handle.socket().close();
  hub.publish("a", "x");
  hub.settle();

  EXPECT_TRUE(handle.was_cut());
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

}  // namespace
}  // namespace carillon
