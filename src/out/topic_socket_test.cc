#include "out/topic_socket.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/limits.h"
#include "out/socket_client_test.h"
#include "testing/fake_event_door.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TopicSocketTest : public testing::Test {
 protected:
  TopicSocket::Plan plan(StreamKind kind = StreamKind::websocket_data) {
    ClassKey key = Hub::key_of({"t"});
    key.form = {.kind = kind, .framing = StreamFraming::plain};
    return {.start = {std::move(key), hub.hub().tail().end(), hub.hub().mark_number()},
            .gaps = {},
            .topic = "t",
            .content_type = {},
            .may_publish = true};
  }
  FakeStreamHandle& open(TopicSocket::Plan wanted) {
    auto& handle =
        hub.open_socket(std::make_unique<TopicSocket>(hub.fan_out(), door, std::move(wanted)));
    hub.settle();
    return handle;
  }

  FakeEventDoor door;  // outlives the sockets
  Hub hub;
};

// Two ends of a connection whose buffer is small.
class SmallSocket {
 public:
  SmallSocket() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
    const int least = 1;
    ::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  }
  ~SmallSocket() {
    for (const int end : ends_) ::close(end);
  }
  SmallSocket(const SmallSocket&) = delete;
  SmallSocket& operator=(const SmallSocket&) = delete;

  int near() const { return ends_[0]; }
  // What the peer reads now, at most so much.
  std::string read(size_t bytes_max) const {
    std::string bytes(bytes_max, '\0');
    const ssize_t count = ::read(ends_[1], bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return bytes;
  }

 private:
  std::array<int, 2> ends_{};
};

// The fan-out writes to the descriptor, pongs go through the WebSocket: neither inside the other's
// frames, wherever the socket cuts them.
TEST_F(TopicSocketTest, FramesStandWholeThoughTheFanOutWritesAroundTheWebSocket) {
  SmallSocket wire;
  SeededRandom random(3);
  auto& handle = open(plan());
  const size_t writes_before = handle.socket().writes();
  handle.socket().go_through(wire.near());
  hub.publish("t", "the first is sent as the row began");
  hub.settle();
  std::string received = handle.socket().taken() + wire.read(10'000);
  std::vector<std::string> published{"the first is sent as the row began"};
  size_t pings = 0;
  for (int round = 0; round < 3'000; ++round) {
    published.push_back(std::to_string(round) + std::string(random.below(3'000), '.'));
    hub.publish("t", published.back());
    if (random.below(3) == 0) {
      handle.socket().give_room(random.below(8));
      say(handle, WebSocketOpcode::ping, "p" + std::to_string(++pings));
      handle.socket().open_up();
    }
    hub.take_mail();
    hub.end_turn();
    received += wire.read(random.below(6'000));
    if (random.below(2) == 0) handle.tell_writable();
  }
  for (std::string more = "x"; !more.empty(); received += more) {
    hub.settle();
    more = wire.read(100'000);
  }

  std::vector<std::string> data;
  size_t pongs = 0;
  for (auto& frame : heard_in(received)) {
    if (frame.starts_with('p')) {
      ++pongs;
    } else {
      data.push_back(std::move(frame));
    }
  }
  EXPECT_EQ(data, published);
  EXPECT_GT(pongs, pings / 4) << "of many pings behind a full socket the last is answered";
  EXPECT_LT(handle.socket().writes() - writes_before, published.size() + pings)
      << "not all went through the WebSocket";
}

TEST_F(TopicSocketTest, FramesArePublishedByTheirKind) {
  auto& handle = open(plan());

  say(handle, "text");
  say(handle, WebSocketOpcode::binary, "\x01");

  ASSERT_THAT(door.published, SizeIs(2));
  EXPECT_EQ(door.published[0].topic, "t");
  EXPECT_EQ(door.published[0].event.event.data, "text");
  EXPECT_EQ(door.published[0].event.event.data_content_type, "text/plain");
  EXPECT_EQ(door.published[0].event.event.form, DataForm::text);
  EXPECT_EQ(door.published[1].event.event.data_content_type, "application/octet-stream");
}

TEST_F(TopicSocketTest, FramesHaveTheContentTypeOfTheUrl) {
  auto wanted = plan();
  wanted.content_type = "application/json";
  auto& handle = open(std::move(wanted));

  say(handle, R"({"a":1})");
  say(handle, "{broken");

  ASSERT_THAT(door.published, SizeIs(1));
  EXPECT_EQ(door.published[0].event.event.form, DataForm::json);
  EXPECT_THAT(heard(handle), ElementsAre("close 4400"));
}

TEST_F(TopicSocketTest, WhoFloodsIsReadNoFurtherUntilSomethingIsAnswered) {
  auto& handle = open(plan());
  auto& owner = static_cast<DuplexOwner&>(*handle.owner());
  std::string bytes;
  append_client_frame(bytes, {.opcode = WebSocketOpcode::text, .mask = {}}, "x");
  const size_t frame = bytes.size();
  std::string flood;
  for (size_t i = 0; i < kPublishCredit + 10; ++i) flood += bytes;

  const size_t taken = owner.on_bytes(flood);

  EXPECT_EQ(taken, kPublishCredit * frame);
  EXPECT_THAT(door.published, SizeIs(kPublishCredit));
  door.answer(StoredEvent{});
  EXPECT_EQ(owner.on_bytes(flood.substr(taken)), frame) << "one answer, one more";
}

TEST_F(TopicSocketTest, ARefusedPublishClosesWithItsStatus) {
  auto& handle = open(plan());
  say(handle, "x");

  door.answer(std::unexpected(make_problem(kStorageFull, "the disk is full", "Free some.")));

  EXPECT_THAT(heard(handle), ElementsAre("close 4507"));
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

TEST_F(TopicSocketTest, AnAnswerThatComesBehindTheEndDoesNoHarm) {
  auto& handle = open(plan());
  say(handle, "x");
  say(handle, WebSocketOpcode::close, "");

  door.answer(StoredEvent{});

  EXPECT_TRUE(handle.ended());
}

TEST_F(TopicSocketTest, WithoutTheRightOrATopicNoFrameIsTaken) {
  auto reader = plan();
  reader.may_publish = false;
  auto stranger = plan();
  stranger.may_publish = false;
  stranger.anonymous = true;
  auto stream = plan();
  stream.topic.clear();

  auto& first = open(std::move(reader));
  auto& second = open(std::move(stranger));
  auto& third = open(std::move(stream));
  for (auto* handle : {&first, &second, &third}) say(*handle, "x");

  EXPECT_THAT(heard(first), ElementsAre("close 4403"));
  EXPECT_THAT(heard(second), ElementsAre("close 4401"));
  EXPECT_THAT(heard(third), ElementsAre("close 4400"));
  EXPECT_THAT(door.published, IsEmpty());
}

TEST_F(TopicSocketTest, AGapIsToldFirstWhereThereIsAWordForIt) {
  auto wanted = plan(StreamKind::websocket_cloudevents);
  wanted.gaps.push_back(
      {.requested = "r", .reason = "expired", .resumed = {hub.hub().epoch(), {}}});

  auto& handle = open(std::move(wanted));
  hub.publish("t", "behind it");
  hub.settle();

  const auto got = heard(handle);
  ASSERT_THAT(got, SizeIs(2));
  EXPECT_THAT(got[0], testing::HasSubstr(R"("type":"carillon.gap")"));
  EXPECT_THAT(got[1], testing::HasSubstr(R"("data":"behind it")"));
}

}  // namespace
}  // namespace carillon
