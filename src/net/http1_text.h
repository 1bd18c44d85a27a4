// The writing side of HTTP/1.1, and what a socket says of its peer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "net/exchange.h"

namespace carillon {

// A finite answer: status line, fields, content-length, body (left out for HEAD, 1xx, 204 and 304).
void append_http1_answer(std::string& out, const Response& response, std::string_view method,
                         bool keep_alive);
// The head of an endless answer.
void append_http1_stream_head(std::string& out, const Response& head, bool chunked);

// A 101: its fields are all there is.
void append_http1_upgrade_head(std::string& out, const Response& head);

std::string_view reason_phrase(int status);

// What is wrong with a head that is larger than kHeadBytesMax: its target or its fields.
HttpRefusal oversize_head(std::string_view head);
Response body_too_large(uint64_t bytes_max);

std::string peer_text(const boost::asio::ip::tcp::socket& socket);
bool peer_is_loopback(const boost::asio::ip::tcp::socket& socket);

}  // namespace carillon
