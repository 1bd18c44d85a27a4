#include "admin/pages.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "net/answers.h"

namespace carillon {

namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

std::string_view content_type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"}};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void add_file(Router& router, std::string path, const PageFile& file) {
  const auto digest = Digester().add(file.bytes).finish();
  std::string tag = "\"";
  for (size_t i = 0; i < 8; ++i) tag += fmt::format("{:02x}", digest.bytes[i]);
  tag += '"';
  router.add({"GET", std::move(path), RouteRight::open,
              [file, tag](const std::shared_ptr<Exchange>& exchange, const PathValues&) {
                Response response{
                    .status = 200,
                    .fields = {{"content-type", std::string(content_type_of(file.path))},
                               {"cache-control", "no-cache"},
                               {"etag", tag},
                               {"x-content-type-options", "nosniff"},
                               {"referrer-policy", "no-referrer"},
                               {"content-security-policy", std::string(kPolicy)}},
                    .body = {}};
                if (none_match(exchange->head().field("if-none-match"), tag)) {
                  response.status = 304;
                } else {
                  response.body = file.bytes;
                }
                exchange->respond(std::move(response));
              }});
}

}  // namespace

void add_page_routes(Router& router, std::string_view prefix) {
  constexpr std::string_view kIndex = "/index.html";
  for (const PageFile& file : embedded_pages()) {
    if (!file.path.starts_with(prefix)) continue;
    add_file(router, std::string(file.path), file);
    if (file.path.ends_with(kIndex))
      add_file(router, std::string(file.path.substr(0, file.path.size() - kIndex.size())), file);
  }
}

}  // namespace carillon
