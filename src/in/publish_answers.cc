#include "in/publish_answers.h"

#include <fmt/format.h>

#include "base/text.h"
#include "net/answers.h"

namespace carillon {

Response published_response(const Appended& appended, std::string_view topic, std::string_view id,
                            Epoch epoch) {
  const auto cursor = Cursor{epoch, appended.last}.text();
  if (!appended.id.empty()) id = appended.id;
  std::string body = R"({"id":)";
  append_json_string(body, id);
  fmt::format_to(std::back_inserter(body),
                 R"(,"topic":"{}","cursor":"{}","time":"{}","durability":"{}"}})", topic, cursor,
                 to_rfc3339(appended.stored_at), name_of(appended.durability));
  body += '\n';
  return {.status = appended.repeat ? 200 : 201,
          .fields = {{"content-type", "application/json"},
                     {"location", fmt::format("/t/{}/events/{}", topic, cursor)},
                     {"carillon-cursor", cursor}},
          .body = std::move(body)};
}

std::string batch_json(const Appended& appended, Epoch epoch) {
  std::string body =
      fmt::format(R"({{"count":{})", appended.repeat ? appended.repeated : appended.stored);
  if (appended.first.value != 0) {
    fmt::format_to(std::back_inserter(body), R"(,"first":"{}","cursor":"{}")",
                   Cursor{epoch, appended.first}.text(), Cursor{epoch, appended.last}.text());
  } else {
    body += R"(,"first":null,"cursor":null)";
  }
  if (appended.repeated > 0 && !appended.repeat) {
    fmt::format_to(std::back_inserter(body), R"(,"repeated":{})", appended.repeated);
  }
  return body + "}\n";
}

Response batch_response(const Appended& appended, Epoch epoch) {
  const bool nothing_new = appended.repeat || (appended.stored == 0 && appended.repeated > 0);
  Response response{.status = nothing_new ? 200 : 201,
                    .fields = {{"content-type", "application/json"}},
                    .body = batch_json(appended, epoch)};
  if (appended.last.value != 0)
    response.fields.push_back({"carillon-cursor", Cursor{epoch, appended.last}.text()});
  return response;
}

Response bad_event_response(const Error& error) {
  return problem_response(bad_event_problem(error));
}

Response publish_error_response(const Error& error) { return log_error_response(error); }

}  // namespace carillon
