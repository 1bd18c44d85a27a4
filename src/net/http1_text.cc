#include "net/http1_text.h"

#include <fmt/format.h>

#include <ctime>

#include "base/limits.h"

namespace carillon {

namespace {

// `Date`, made once a second a thread (RFC 9110 section 6.6.1).
std::string_view date_field() {
  thread_local std::time_t made_at = 0;
  thread_local char text[64];
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    made_at = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(text, sizeof text, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  }
  return text;
}

bool has_no_body(int status, std::string_view method) {
  return method == "HEAD" || status < 200 || status == 204 || status == 304;
}

void append_head(std::string& out, int status, const std::vector<HeaderField>& fields) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const auto& [name, value] : fields) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  out += date_field();
}

boost::asio::ip::address peer_address(const boost::asio::ip::tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  auto address = error ? boost::asio::ip::address() : endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

}  // namespace

void append_http1_answer(std::string& out, const Response& response, std::string_view method,
                         bool keep_alive) {
  append_head(out, response.status, response.fields);
  const bool has_length =
      response.status != 204 && response.status >= 200 && response.status != 304;
  if (has_length && !response.endless) {
    fmt::format_to(std::back_inserter(out), "content-length: {}\r\n", response.body.size());
  }
  if (!keep_alive) out += "connection: close\r\n";
  out += "\r\n";
  if (!has_no_body(response.status, method)) out += response.body;
}

void append_http1_stream_head(std::string& out, const Response& head, bool chunked) {
  append_head(out, head.status, head.fields);
  out += chunked ? "transfer-encoding: chunked\r\n\r\n" : "connection: close\r\n\r\n";
}

void append_http1_upgrade_head(std::string& out, const Response& head) {
  append_head(out, head.status, head.fields);
  out += "\r\n";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

HttpRefusal oversize_head(std::string_view head) {
  if (head.substr(0, kHeadBytesMax).find('\n') == std::string_view::npos) {
    return {414, fmt::format("the request target is longer than {} bytes", kTargetBytesMax),
            "Shorten it."};
  }
  return {431, fmt::format("the request head is larger than {} bytes", kHeadBytesMax),
          "Send fewer or shorter fields."};
}

Response body_too_large(uint64_t bytes_max) {
  return problem_response(make_problem(
      kPayloadTooLarge,
      fmt::format("the body has more than the {} bytes that are taken here", bytes_max),
      "Send less at once: an event is at most 1 MiB, a batch 8 MiB."));
}

std::string peer_text(const boost::asio::ip::tcp::socket& socket) {
  return peer_address(socket).to_string();
}

bool peer_is_loopback(const boost::asio::ip::tcp::socket& socket) {
  return peer_address(socket).is_loopback();
}

}  // namespace carillon
