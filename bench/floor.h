// Programs that make only the system calls which a hub cannot avoid: what a figure is compared
// with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "options.h"

namespace carillon {

void run_fan_out_floor(Options& options);
void run_publish_floor(Options& options);
void run_catch_up_floor(Options& options);

// One HTTP request with content-length at the front of `bytes`, as the load tool sends it.
struct FloorRequest {
  bool post = false;
  std::string_view body;
  size_t bytes = 0;  // of the whole; 0 when more must come
};
FloorRequest parse_floor_request(std::string_view bytes);

inline constexpr std::string_view kFloorAnswer =
    "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";

// `listening on http://…` on stderr, as the hub says it.
void say_listening(uint16_t port);
uint16_t port_of(int listener);

}  // namespace carillon
