#include "cli/curl_request.h"

#include <curl/curl.h>

#include <memory>

namespace carillon {

namespace {

// What an error answer may have; more is no problem+json of ours.
constexpr size_t kBodyBytesMax = 16 * 1024 * 1024;

struct Transfer {
  const CurlRequest& request;
  CURL* handle;
  CurlResponse response;
  bool ended = false;
};

size_t take_bytes(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.request.on_bytes && status == 200) {
    if (transfer.request.on_bytes(bytes)) return bytes.size();
    transfer.ended = true;
    return 0;
  }
  if (transfer.response.body.size() + bytes.size() > kBodyBytesMax) return 0;
  transfer.response.body += bytes;
  return bytes.size();
}

}  // namespace

Result<CurlResponse> perform(const CurlRequest& request) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(),
                                                                   curl_easy_cleanup);
  Transfer transfer{.request = request, .handle = handle.get(), .response = {}};
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& header : request.headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list,
                                                                            curl_slist_free_all);
  curl_easy_setopt(handle.get(), CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  if (request.method == "POST") {
    curl_easy_setopt(handle.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  const CURLcode code = curl_easy_perform(handle.get());
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  const bool cut_stream = request.on_bytes && status == 200;
  if (code != CURLE_OK && !transfer.ended && !cut_stream) {
    return fail(Errc::unavailable,
                "cannot reach {}: {}; is a hub running there? (--server, CARILLON_SERVER)",
                request.url, curl_easy_strerror(code));
  }
  return std::move(transfer.response);
}

}  // namespace carillon
