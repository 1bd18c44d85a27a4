// How a reader asks for its events: the forms of an endless answer that the load tool knows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carillon {

enum class StreamForm : uint8_t {
  sse,
  json_lines,
  websocket,  // each event's data in a frame
  deflate,    // the same, compressed
  session,    // ops of carillon.v1.json
};

// `sse`, `lines`, `websocket`, `deflate` or `session`; gives up otherwise.
StreamForm stream_form(std::string_view name);
bool is_websocket(StreamForm form);
// The whole request, on a connection of its own.
std::string stream_request(StreamForm form, std::string_view path);

}  // namespace carillon
