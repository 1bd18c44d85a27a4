// One blocking HTTP request of a client command.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carillon {

struct CurlRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers;
  std::string body;
  // A stream's bytes as they come; false ends it. Absent: the body is gathered. Only of a 200.
  std::function<bool(std::string_view)> on_bytes;
};

struct CurlResponse {
  int status = 0;
  std::string body;
};

// Errc::unavailable when the hub cannot be reached. A stream that was ended on purpose is a
// response.
Result<CurlResponse> perform(const CurlRequest& request);

}  // namespace carillon
