#include "cli/websocket_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/limits.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/command_line.h"
#include "wire/websocket_handshake.h"
#include "wire/websocket_parser.h"

namespace carillon {

namespace {

constexpr size_t kFrameBytesMax = 64 * kMiB;  // of anyone's server
constexpr size_t kKeyBytes = 16;
constexpr size_t kHexBytesShown = 32;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// A connected socket; closed with this.
class Wire {
 public:
  explicit Wire(int descriptor) : descriptor_(descriptor) {}
  ~Wire() { ::close(descriptor_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  int descriptor() const { return descriptor_; }
  Result<> send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return fail(Errc::unavailable, "the connection broke");
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return {};
  }
  // Nothing at the end.
  std::string_view receive() {
    const ssize_t got = ::recv(descriptor_, buffer_.data(), buffer_.size(), 0);
    return {buffer_.data(), got < 0 ? 0 : static_cast<size_t>(got)};
  }

 private:
  int descriptor_;
  std::array<char, 64 * kKiB> buffer_{};
};

Result<std::unique_ptr<Wire>> connect_to(const WebSocketUrl& url) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &wanted, &found);
      error != 0)
    return fail(Errc::unavailable, "{}: {}", url.host, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int descriptor = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    auto wire = std::make_unique<Wire>(descriptor);
    if (::connect(descriptor, each->ai_addr, each->ai_addrlen) == 0) return wire;
  }
  return fail(Errc::unavailable, "nothing listens on {} port {}", url.host, url.port);
}

// Of a head in lower case; 0 when it says none.
uint64_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const size_t at = head.find(kName);
  if (at == std::string_view::npos) return 0;
  const auto value = head.substr(at + kName.size());
  return parse_decimal(trim(value.substr(0, value.find('\r')))).value_or(0);
}

class Client {
 public:
  Client(Wire& wire, const WebSocketClientOptions& options) : wire_(wire), options_(options) {}

  // Asks for the upgrade; what stood behind the answer is taken.
  Result<> open(const WebSocketUrl& url, const std::string& token);
  Result<> run();

 private:
  std::string random_bytes(size_t count);
  Result<> take(std::string_view bytes);
  Result<> show(const WebSocketItem& item);
  Result<> read_input();
  Result<> send(WebSocketOpcode opcode, std::string_view payload);

  Wire& wire_;
  const WebSocketClientOptions& options_;
  SystemRandom random_;
  WebSocketParser parser_{
      {.reads = WebSocketParser::Reads::server_frames, .message_bytes_max = kFrameBytesMax}};
  std::string line_;  // the part of stdin's that has come
  uint64_t shown_ = 0;
  bool input_ended_ = false;
  bool over_ = false;
};

std::string Client::random_bytes(size_t count) {
  std::string bytes;
  while (bytes.size() < count) bytes += static_cast<char>(random_.next());
  return bytes;
}

Result<> Client::open(const WebSocketUrl& url, const std::string& token) {
  const auto key = to_base64(random_bytes(kKeyBytes));
  std::string head = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
      url.target, url.host, url.port, key);
  for (const auto& name : options_.subprotocols)
    head += fmt::format("Sec-WebSocket-Protocol: {}\r\n", name);
  if (!token.empty()) head += fmt::format("Authorization: Bearer {}\r\n", token);
  TRY(wire_.send(head + "\r\n"));
  std::string answer;
  const auto receive_until = [&](auto done) -> Result<> {
    while (!done()) {
      const auto bytes = wire_.receive();
      if (bytes.empty() || answer.size() > kHeadBytesMax)
        return fail(Errc::unavailable, "the server ended the connection");
      answer += bytes;
    }
    return {};
  };
  TRY(receive_until([&] { return answer.find(kHeadEnd) != std::string::npos; }));
  const size_t body = answer.find(kHeadEnd) + kHeadEnd.size();
  if (answer.starts_with("HTTP/1.1 101 ")) {
    if (answer.find(websocket_accept(key)) > body) {
      return fail(Errc::bad_input,
                  "the server's Sec-WebSocket-Accept is wrong: is it a WebSocket server?");
    }
    return take(std::string_view(answer).substr(body));
  }
  // What it says of the refusal, as far as it comes.
  const uint64_t length = content_length(to_lower(answer.substr(0, body)));
  (void)receive_until([&] { return answer.size() >= body + length; });
  return fail(Errc::denied, "the server says: {}\n{}", answer.substr(0, answer.find("\r\n")),
              trim(std::string_view(answer).substr(body)));
}

Result<> Client::send(WebSocketOpcode opcode, std::string_view payload) {
  WebSocketMask mask;
  const auto chance = random_bytes(mask.size());
  std::copy(chance.begin(), chance.end(), mask.begin());
  std::string frame;
  append_client_frame(frame, {.opcode = opcode, .mask = mask}, payload);
  return wire_.send(frame);
}

Result<> Client::take(std::string_view bytes) {
  while (!bytes.empty() && !over_) {
    auto step = parser_.feed(bytes);
    if (!step)
      return fail(Errc::bad_input, "the server breaks the protocol: {}", step.error().detail);
    bytes.remove_prefix(step->consumed);
    if (step->item) TRY(show(*step->item));
  }
  return {};
}

std::string_view kind_name(WebSocketItem::Kind kind) {
  switch (kind) {
    case WebSocketItem::Kind::text: return "text";
    case WebSocketItem::Kind::binary: return "binary";
    case WebSocketItem::Kind::ping: return "ping";
    case WebSocketItem::Kind::pong: return "pong";
    case WebSocketItem::Kind::close: return "close";
  }
  return "close";
}

std::string as_json(const WebSocketItem& item) {
  auto line = fmt::format(R"({{"frame":"{}",)", kind_name(item.kind));
  if (item.kind == WebSocketItem::Kind::close) {
    return line + fmt::format(R"("code":{},"reason":{}}})", item.code, json_string(item.data));
  }
  if (item.kind == WebSocketItem::Kind::text)
    return line + fmt::format(R"("data":{}}})", json_string(item.data));
  return line + fmt::format(R"("data_base64":"{}"}})", to_base64(item.data));
}

std::string for_people(const WebSocketItem& item) {
  if (item.kind == WebSocketItem::Kind::text) return item.data;
  if (item.kind == WebSocketItem::Kind::close)
    return fmt::format("<close {} {}>", item.code, item.data);
  auto line = fmt::format("<{}, {} bytes:", kind_name(item.kind), item.data.size());
  for (const char c : item.data.substr(0, kHexBytesShown))
    fmt::format_to(std::back_inserter(line), " {:02x}", static_cast<uint8_t>(c));
  return line + (item.data.size() > kHexBytesShown ? " …>" : ">");
}

Result<> Client::show(const WebSocketItem& item) {
  const bool data =
      item.kind == WebSocketItem::Kind::text || item.kind == WebSocketItem::Kind::binary;
  if (data || options_.frames) {
    std::fputs(fmt::format("{}\n", options_.json ? as_json(item) : for_people(item)).c_str(),
               stdout);
    std::fflush(stdout);
  }
  if (item.kind == WebSocketItem::Kind::ping) return send(WebSocketOpcode::pong, item.data);
  const bool enough = data && ++shown_ == options_.count;
  if (item.kind != WebSocketItem::Kind::close && !enough) return {};
  over_ = true;
  (void)send(WebSocketOpcode::close, "\x03\xE8");  // 1000; the other side may be gone already
  const bool wanted = enough || item.code == kCloseNormal || item.code == kCloseNoCode ||
                      item.code == kCloseGoingAway;
  if (wanted) return {};
  return fail(Errc::unavailable, "closed with {}: {}", item.code, item.data);
}

// Each line is a text frame.
Result<> Client::read_input() {
  std::array<char, 64 * kKiB> buffer;
  const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (got <= 0) {
    input_ended_ = true;
    if (!line_.empty()) TRY(send(WebSocketOpcode::text, line_));
    if (::isatty(STDIN_FILENO) != 0) return send(WebSocketOpcode::close, "\x03\xE8");
    return {};
  }
  line_.append(buffer.data(), static_cast<size_t>(got));
  for (size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
    TRY(send(WebSocketOpcode::text, std::string_view(line_).substr(0, end)));
    line_.erase(0, end + 1);
  }
  return {};
}

Result<> Client::run() {
  while (!over_) {
    std::array<pollfd, 2> waits = {pollfd{wire_.descriptor(), POLLIN, 0},
                                   pollfd{input_ended_ ? -1 : STDIN_FILENO, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
      return fail(Errc::io, "cannot wait for input");
    if (waits[1].revents != 0) TRY(read_input());
    if (waits[0].revents == 0) continue;
    const auto bytes = wire_.receive();
    if (bytes.empty()) return fail(Errc::unavailable, "the server ended the connection");
    TRY(take(bytes));
  }
  return {};
}

Result<> talk(const ClientOptions& client, const WebSocketClientOptions& options) {
  TRY(const auto url, parse_websocket_url(client.server, options.url));
  TRY(const auto wire, connect_to(url));
  Client talking(*wire, options);
  TRY(talking.open(url, client.token));
  return talking.run();
}

}  // namespace

Result<WebSocketUrl> parse_websocket_url(const std::string& server, const std::string& url) {
  std::string_view rest(url);
  std::string whole;
  if (rest.starts_with('/')) {
    whole = server + url;
    rest = whole;
  }
  const size_t scheme = rest.find("://");
  const auto name = rest.substr(0, scheme == std::string_view::npos ? 0 : scheme);
  if (name == "wss" || name == "https")
    return fail(Errc::bad_input, "'{}': TLS is not spoken here yet; use ws://", url);
  if (name != "ws" && name != "http") {
    return fail(Errc::bad_input,
                "'{}' is no URL of a WebSocket: give e.g. ws://localhost:8080/ws, or /ws", url);
  }
  rest.remove_prefix(scheme + 3);
  const size_t path = rest.find_first_of("/?");
  const auto authority = rest.substr(0, path);
  const size_t colon = authority.rfind(':');
  const bool with_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  WebSocketUrl parsed{
      .host = std::string(authority.substr(0, with_port ? colon : authority.size())),
      .port = std::string(with_port ? authority.substr(colon + 1) : "80"),
      .target = path == std::string_view::npos ? "/" : std::string(rest.substr(path))};
  if (parsed.host.starts_with('[') && parsed.host.ends_with(']'))
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  if (!parsed.target.starts_with('/')) parsed.target.insert(0, "/");
  const auto port = parse_decimal(parsed.port);
  if (parsed.host.empty() || !port || *port == 0 || *port > UINT16_MAX ||
      parsed.target.find_first_of(" \r\n") != std::string::npos)
    return fail(Errc::bad_input, "'{}' names no host, port and path", url);
  return parsed;
}

int run_websocket_client(const ClientOptions& client, const WebSocketClientOptions& options) {
  const auto talked = talk(client, options);
  if (talked) return kExitOk;
  std::fputs(fmt::format("carillon: {}\n", talked.error().detail).c_str(), stderr);
  return talked.error().code == Errc::bad_input ? kExitUsage : kExitFailure;
}

}  // namespace carillon
