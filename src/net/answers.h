// Answers that several doors give.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/exchange.h"

namespace carillon {

// 401 with WWW-Authenticate: no token was given and one is needed, or it is wrong.
Response unauthorized(bool token_given);
// 403: the token lacks the right to do `what`.
Response forbidden(std::string_view what);
Problem forbidden_problem(std::string_view what);
// What a failed call of the log or hub means to a client.
Response log_error_response(const Error& error);
Problem log_error_problem(const Error& error);
// 400, 413: the event as it was given cannot be taken.
Problem bad_event_problem(const Error& error);

Response json_response(int status, std::string body);

// A loopback origin, as `dev` accepts: http(s)://localhost, 127.0.0.1 or [::1], any port.
bool is_loopback_origin(std::string_view origin);
// The names of this machine's loopback with any port, as a Host field.
bool is_loopback_host(std::string_view host);

// The fields that let a page of an allowed origin read the answer (Fetch standard, "CORS
// protocol"); none for others.
std::vector<HeaderField> cors_fields(const Exchange& exchange,
                                     const std::vector<std::string>& origins,
                                     bool loopback_origins);

// One of the tags in an If-None-Match field is `tag`, weakly compared, or it is `*` (RFC 9110
// section 13.1.2).
bool none_match(std::string_view field, std::string_view tag);

}  // namespace carillon
