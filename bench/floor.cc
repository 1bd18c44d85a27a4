#include "floor.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdio>
#include <cstring>

namespace carillon {

FloorRequest parse_floor_request(std::string_view bytes) {
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view head = bytes.substr(0, end);
  size_t body = 0;
  if (const size_t at = head.find(kLength); at != std::string_view::npos)
    std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), body);
  if (bytes.size() < end + 4 + body) return {};
  return {.post = head.starts_with("POST"),
          .body = bytes.substr(end + 4, body),
          .bytes = end + 4 + body};
}

void say_listening(uint16_t port) {
  std::fprintf(stderr, "listening on http://127.0.0.1:%u\n", port);
}

uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

}  // namespace carillon

int main(int count, char** arguments) {
  struct Command {
    std::string_view name;
    void (*run)(carillon::Options&);
  };
  constexpr Command kCommands[] = {{"fanout", carillon::run_fan_out_floor},
                                   {"publish", carillon::run_publish_floor},
                                   {"catchup", carillon::run_catch_up_floor}};
  for (const Command& command : kCommands) {
    if (count < 2 || command.name != arguments[1]) continue;
    carillon::Options options(count - 2, arguments + 2);
    command.run(options);
    return 0;
  }
  std::fputs("usage: carillon_bench_floor fanout|publish|catchup --name value …\n", stderr);
  return 2;
}
