#include "net/transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace carillon {
namespace {

// Two ends of one connection; nobody blocks.
class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0); }
  ~SocketPair() {
    ::close(ends_[0]);
    close_reader();
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;

  int writer() const { return ends_[0]; }
  void close_reader() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::string read_all() const {
    std::string text;
    char buffer[65536];
    for (ssize_t got = 0; (got = ::recv(ends_[1], buffer, sizeof buffer, 0)) > 0;) {
      text.append(buffer, static_cast<size_t>(got));
    }
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::vector<iovec> run_of(std::vector<std::string>& pieces) {
  std::vector<iovec> run;
  for (auto& piece : pieces) run.push_back({piece.data(), piece.size()});
  return run;
}

TEST(SendRun, ManyPiecesLeaveInOrderInOneCall) {
  const SocketPair pair;
  std::vector<std::string> pieces = {"one ", "", "two ", "three"};

  const auto result = send_run(pair.writer(), run_of(pieces));

  EXPECT_EQ(result.state, WriteState::open);
  EXPECT_EQ(result.bytes, 13U);
  EXPECT_EQ(pair.read_all(), "one two three");
}

TEST(SendRun, OnePieceNeedsNoGathering) {
  const SocketPair pair;
  std::vector<std::string> pieces = {"alone"};

  const auto result = send_run(pair.writer(), run_of(pieces));

  EXPECT_EQ(result.state, WriteState::open);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_EQ(pair.read_all(), "alone");
}

TEST(SendRun, AFullSocketTakesAPartAndThenNothing) {
  const SocketPair pair;
  std::vector<std::string> pieces(64, std::string(65'536, 'x'));

  auto result = send_run(pair.writer(), run_of(pieces));
  EXPECT_EQ(result.state, WriteState::blocked);
  EXPECT_GT(result.bytes, 0U);
  EXPECT_LT(result.bytes, 64U * 65'536);
  size_t taken = result.bytes;
  while (result.bytes > 0) {
    result = send_run(pair.writer(), run_of(pieces));
    taken += result.bytes;
  }

  EXPECT_EQ(result.state, WriteState::blocked);
  EXPECT_EQ(pair.read_all().size(), taken);
  EXPECT_GT(send_run(pair.writer(), run_of(pieces)).bytes, 0U);
}

TEST(SendRun, APeerThatIsGoneIsSaidAndRaisesNoSignal) {
  SocketPair pair;
  pair.close_reader();
  std::vector<std::string> pieces = {"a", "b"};

  const auto result = send_run(pair.writer(), run_of(pieces));

  EXPECT_EQ(result.state, WriteState::closed);
  EXPECT_EQ(result.bytes, 0U);
}

}  // namespace
}  // namespace carillon
