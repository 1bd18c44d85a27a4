// A bare echo over the hub's WebSocket: what suites of conformance and benches are pointed at.
//
//   carillon-echo --listen ADDR:PORT --message-bytes-max N [--deflate]
#include <fmt/format.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/logger.h"
#include "base/text.h"
#include "net/answers.h"
#include "net/listener.h"
#include "net/websocket.h"

namespace carillon {

namespace {

struct EchoOptions {
  std::string listen = "127.0.0.1:0";
  size_t message_bytes_max = 16 * kMiB;
  OfferDeflate deflate = OfferDeflate::no;
};

// Sends each message back in one frame, compressed when that was agreed on.
class EchoHandler : public WebSocketHandler {
 public:
  explicit EchoHandler(const std::optional<DeflateAgreement>& agreement) {
    if (agreement) deflater_ = std::make_unique<Deflater>(agreement->hub_bits);
  }

  void on_open(WebSocket& socket) override { socket_ = &socket; }
  bool on_item(WebSocketItem item) override {
    const auto opcode =
        item.kind == WebSocketItem::Kind::text ? WebSocketOpcode::text : WebSocketOpcode::binary;
    std::string out;
    if (deflater_ == nullptr) {
      append_websocket_frame(out, opcode, item.data);
    } else {
      const size_t from = open_websocket_frame(out);
      deflater_->append(out, item.data);
      close_websocket_frame(out, from, opcode, Compressed::yes);
    }
    socket_->send(out);
    // A peer that does not read is not read from.
    paused_ = socket_->held_bytes() > 0;
    if (paused_) socket_->wait_writable();
    return !paused_;
  }
  void on_writable() override {
    if (!paused_) return;
    paused_ = false;
    socket_->resume();
  }
  void on_sweep(MonotonicTime) override {}
  void on_drain() override { socket_->close(kCloseGoingAway, "the server is ending", "drained"); }
  void on_closing() override {}
  std::string describe() const override { return R"("protocol":"echo")"; }

 private:
  WebSocket* socket_ = nullptr;
  std::unique_ptr<Deflater> deflater_;
  bool paused_ = false;
};

class EchoService : public HttpService {
 public:
  explicit EchoService(const EchoOptions& options) : options_(options) {}

  void begin(std::shared_ptr<Exchange> exchange) override {
    if (!asks_for_websocket(exchange->head())) {
      auto response = problem_response(
          make_problem(kUpgradeRequired, "this is a WebSocket echo", "Use a WebSocket client."));
      for (auto& field : websocket_version_fields()) response.fields.push_back(std::move(field));
      return exchange->respond(std::move(response));
    }
    const auto opening = admit_websocket(*exchange, {}, options_.deflate);
    if (!opening) return;
    Exchange& waiting = *exchange;
    waiting.when_due([this, exchange = std::move(exchange), opening = *opening] {
      start_websocket(*exchange, opening, {.message_bytes_max = options_.message_bytes_max},
                      std::make_unique<EchoHandler>(opening.deflate));
    });
  }

 private:
  const EchoOptions& options_;
};

Result<EchoOptions> parse(int count, char** words) {
  EchoOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--deflate") {
      options.deflate = OfferDeflate::yes;
      continue;
    }
    if (i + 1 == count || (word != "--listen" && word != "--message-bytes-max")) {
      return fail(Errc::bad_input,
                  "'{}' is not understood: carillon-echo --listen ADDR:PORT --message-bytes-max N "
                  "[--deflate]",
                  word);
    }
    const std::string_view value = words[++i];
    if (word == "--listen") {
      options.listen = value;
      continue;
    }
    const auto bytes = parse_decimal(value);
    if (!bytes) return fail(Errc::bad_input, "'{}' is no number of bytes", value);
    options.message_bytes_max = *bytes;
  }
  return options;
}

Result<> run(const EchoOptions& options) {
  TRY(const auto address, parse_listen_address(options.listen));
  TRY(const auto endpoint, probe_endpoint(address));
  StderrLogger logger(LogFormat::text, Severity::warning);
  Loop loop(0);
  ConnectionTable connections(loop);
  EchoService service(options);
  Listener listener(loop, connections, service, logger);
  TRY(listener.listen(endpoint));
  std::fputs(
      fmt::format("listening on http://{}:{}\n", endpoint.address().to_string(), endpoint.port())
          .c_str(),
      stderr);
  boost::asio::signal_set signals(loop.context(), SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) {
    listener.close();
    connections.close_all();
    loop.stop();
  });
  loop.run();
  return {};
}

}  // namespace

}  // namespace carillon

int main(int count, char** words) {
  using namespace carillon;
  const auto options = parse(count, words);
  const auto ran = options ? run(*options) : std::unexpected(options.error());
  if (ran) return 0;
  std::fputs(fmt::format("carillon-echo: {}\n", ran.error().detail).c_str(), stderr);
  return options ? 1 : 2;
}
