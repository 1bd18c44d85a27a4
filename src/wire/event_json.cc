#include "wire/event_json.h"

#include <string_view>

#include "base/text.h"

namespace carillon {

namespace {

// `name` is `,"name":`, so that a member is two appends.
void put(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  append_json_string(out, value);
}

void put_source(std::string& out, std::string_view source, std::string_view topic) {
  if (!source.empty()) return put(out, R"(,"source":)", source);
  // A topic's characters need no escapes. (default_source would allocate.)
  out += R"(,"source":"/t/)";
  out += topic;
  out += '"';
}

void put_time(std::string& out, std::string_view time, WallTime stored_at) {
  if (!time.empty()) return put(out, R"(,"time":)", time);
  out += R"(,"time":")";
  append_rfc3339(out, stored_at);
  out += '"';
}

void put_data(std::string& out, const EventView& event, DataAs data_as) {
  const auto form = event.form();
  const auto data = event.data();
  if (form == DataForm::binary && data.empty()) return;
  if (form == DataForm::binary || data_as == DataAs::base64) {
    out += R"(,"data_base64":")";
    out += to_base64(data);
    out += '"';
    return;
  }
  out += R"(,"data":)";
  if (form == DataForm::text) {
    append_json_string(out, data);
  } else if (event.has_line_breaks()) {
    append_json_on_one_line(out, data);
  } else {
    out += data;
  }
}

// `value` in exactly `digits` decimal digits.
void put_digits(char* at, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void append_event_json(std::string& out, const EventView& event, Epoch epoch, DataAs data_as) {
  const auto attributes = event.attributes();
  out += R"({"specversion":"1.0")";
  put(out, R"(,"id":)", attributes.id);
  put_source(out, attributes.source, event.topic());
  put(out, R"(,"type":)", attributes.type);
  put(out, R"(,"subject":)", attributes.subject);
  put_time(out, attributes.time, event.stored_at());
  put(out, R"(,"datacontenttype":)", attributes.data_content_type);
  put(out, R"(,"dataschema":)", attributes.data_schema);
  out += R"(,"topic":")";
  out += event.topic();
  out += R"(","cursor":")";
  Cursor{epoch, event.position()}.append_to(out);
  out += '"';
  put(out, R"(,"key":)", attributes.key);
  event.for_each_extension([&](std::string_view name, std::string_view value, ExtensionKind kind) {
    out += ",\"";
    out += name;
    out += "\":";
    if (kind == ExtensionKind::text) return append_json_string(out, value);
    out += value;
  });
  put_data(out, event, data_as);
  out += '}';
}

void append_rfc3339(std::string& out, WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const int year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) {
    out += to_rfc3339(time);  // four digits do not hold it
    return;
  }
  const hh_mm_ss clock(time - day);
  char text[] = "0000-00-00T00:00:00.000000Z";
  put_digits(text, static_cast<uint64_t>(year), 4);
  put_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 11, static_cast<uint64_t>(clock.hours().count()), 2);
  put_digits(text + 14, static_cast<uint64_t>(clock.minutes().count()), 2);
  put_digits(text + 17, static_cast<uint64_t>(clock.seconds().count()), 2);
  const auto fraction = static_cast<uint64_t>(clock.subseconds().count());
  put_digits(text + 20, fraction, 6);
  if (fraction == 0) {
    out.append(text, 19);
    out += 'Z';
  } else {
    out.append(text, sizeof text - 1);
  }
}

}  // namespace carillon
