#include "stream_form.h"

#include <iterator>

#include "options.h"
#include "web_socket.h"

namespace carillon {

namespace {

// In the order of StreamForm.
constexpr std::string_view kNames[] = {"sse", "lines", "websocket", "deflate", "session"};

}  // namespace

StreamForm stream_form(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<StreamForm>(i);
  }
  give_up("no form of a stream: " + std::string(name));
}

bool is_websocket(StreamForm form) {
  return form == StreamForm::websocket || form == StreamForm::deflate ||
         form == StreamForm::session;
}

std::string stream_request(StreamForm form, std::string_view path) {
  std::string fields;
  switch (form) {
    case StreamForm::sse: fields = "Accept: text/event-stream\r\n"; break;
    case StreamForm::json_lines: fields = "Accept: application/x-ndjson\r\n"; break;
    case StreamForm::websocket: fields = web_socket_fields({}); break;
    case StreamForm::deflate:
      fields = web_socket_fields({.extension = kDeflateExtension, .subprotocol = {}});
      break;
    case StreamForm::session:
      fields = web_socket_fields({.extension = {}, .subprotocol = kSessionSubprotocol});
      break;
  }
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

}  // namespace carillon
