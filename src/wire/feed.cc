#include "wire/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "wire/event_json.h"

namespace carillon {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kShape, [](char c, char shape) {
    if (shape == '-') return c == '-';
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

std::string topic_url(const Feed& feed) { return fmt::format("{}/t/{}", feed.origin, feed.topic); }

// The same for ever, under whatever name the hub is reached (RFC 4287 section 4.2.6): a UUID of
// version 8 (RFC 9562 section 5.8) over the log, the topic and the place in it; 0 is the feed.
std::string made_urn(const Feed& feed, Position position) {
  auto bytes = Digester().add(Cursor{feed.epoch, position}.text()).add(feed.topic).finish().bytes;
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x80);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string urn = "urn:uuid:";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) urn += '-';
    urn += fmt::format("{:02x}", bytes[i]);
  }
  return urn;
}

// What both formats say of an event.
struct Entry {
  std::string id;
  std::string url;
  std::string title;
  std::string type;
  std::string published;
  std::string updated;
  std::string content_type;
  std::optional<std::string_view> text;  // nothing for binary data
  size_t bytes = 0;
};

Entry make_entry(const Feed& feed, const EventView& event) {
  const auto attributes = event.attributes();
  Entry entry;
  entry.url =
      fmt::format("{}/events/{}", topic_url(feed), Cursor{feed.epoch, event.position()}.text());
  // An id is unique within its source only; the default source is this topic's.
  const bool universal = attributes.source.empty() && is_uuid(attributes.id);
  entry.id =
      universal ? fmt::format("urn:uuid:{}", attributes.id) : made_urn(feed, event.position());
  entry.title = attributes.subject.empty() ? attributes.type : attributes.subject;
  entry.type = attributes.type;
  append_rfc3339(entry.updated, event.stored_at());
  // Written anew: RFC 3339 allows spellings that feeds do not.
  append_rfc3339(entry.published, parse_rfc3339(attributes.time).value_or(event.stored_at()));
  entry.content_type = attributes.data_content_type;
  if (event.form() != DataForm::binary) entry.text = event.data();
  entry.bytes = event.data().size();
  return entry;
}

// What stands where binary data would.
std::string summary(const Entry& entry) {
  if (entry.content_type.empty()) return fmt::format("{} bytes", entry.bytes);
  return fmt::format("{} bytes of {}", entry.bytes, entry.content_type);
}

// --- Atom

void put_element(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format("<{}>", name);
  append_xml_text(out, text);
  out += fmt::format("</{}>\n", name);
}

void put_link(std::string& out, std::string_view relation, std::string_view url) {
  out += fmt::format(R"(<link rel="{}" href=")", relation);
  append_xml_text(out, url);
  out += "\"/>\n";
}

// Where the data is that the entry leaves out (RFC 4287 section 4.2.7).
void put_enclosure(std::string& out, const Entry& entry) {
  out += fmt::format(R"(<link rel="enclosure" length="{}")", entry.bytes);
  if (!entry.content_type.empty()) {
    out += R"( type=")";
    append_xml_text(out, entry.content_type);
    out += '"';
  }
  out += R"( href=")";
  append_xml_text(out, entry.url);
  out += "\"/>\n";
}

void put_atom_entry(std::string& out, const Entry& entry) {
  out += "<entry>\n";
  put_element(out, "id", entry.id);
  put_element(out, "title", entry.title);
  put_element(out, "updated", entry.updated);
  put_element(out, "published", entry.published);
  put_link(out, "alternate", entry.url);
  out += R"(<category term=")";
  append_xml_text(out, entry.type);
  out += "\"/>\n";
  if (entry.text) {
    out += R"(<content type="text">)";
    append_xml_text(out, *entry.text);
    out += "</content>\n";
  } else {
    put_element(out, "summary", summary(entry));
    put_enclosure(out, entry);
  }
  out += "</entry>\n";
}

// --- JSON Feed

// `name` is `"name":`, with the comma before it where there is one.
void put_member(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  append_json_string(out, value);
}

void put_json_item(std::string& out, const Entry& entry) {
  put_member(out, R"({"id":)", entry.id);
  put_member(out, R"(,"url":)", entry.url);
  put_member(out, R"(,"title":)", entry.title);
  // An item must have content, so binary data is described (JSON Feed 1.1, "Items").
  put_member(out, R"(,"content_text":)", entry.text ? *entry.text : summary(entry));
  put_member(out, R"(,"date_published":)", entry.published);
  put_member(out, R"(,"date_modified":)", entry.updated);
  put_member(out, R"(,"tags":[)", entry.type);
  out += ']';
  if (!entry.text) {
    put_member(out, R"(,"attachments":[{"url":)", entry.url);
    const bool known = !entry.content_type.empty();
    put_member(out, R"(,"mime_type":)", known ? entry.content_type : "application/octet-stream");
    out += fmt::format(R"(,"size_in_bytes":{}}}])", entry.bytes);
  }
  out += '}';
}

// How many bytes of `text` form a character that XML 1.0 cannot hold; 0 when the front is not one.
size_t forbidden_bytes(std::string_view text) {
  const auto byte = static_cast<uint8_t>(text.front());
  if (byte < 0x20) return text.front() == '\t' || text.front() == '\n' ? 0 : 1;
  return text.starts_with("\xef\xbf\xbe") || text.starts_with("\xef\xbf\xbf") ? 3 : 0;
}

}  // namespace

void append_atom_feed(std::string& out, const Feed& feed) {
  // A feed must say when it was last changed, an empty one too (RFC 4287 section 4.1.1).
  const auto updated = feed.events.empty() ? WallTime() : feed.events.front().stored_at();
  out += "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
  out += "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n";
  put_element(out, "id", made_urn(feed, {}));
  put_element(out, "title", feed.topic);
  put_element(out, "updated", to_rfc3339(updated));
  out += "<author><name>Carillon</name></author>\n";
  put_link(out, "self", feed.self_url);
  put_link(out, "alternate", topic_url(feed));
  if (!feed.hub_url.empty()) put_link(out, "hub", feed.hub_url);
  for (const auto& event : feed.events) put_atom_entry(out, make_entry(feed, event));
  out += "</feed>\n";
}

void append_json_feed(std::string& out, const Feed& feed) {
  out += R"({"version":"https://jsonfeed.org/version/1.1")";
  put_member(out, R"(,"title":)", feed.topic);
  put_member(out, R"(,"home_page_url":)", topic_url(feed));
  put_member(out, R"(,"feed_url":)", feed.self_url);
  if (!feed.hub_url.empty()) {
    put_member(out, R"(,"hubs":[{"type":"WebSub","url":)", feed.hub_url);
    out += "}]";
  }
  out += R"(,"items":[)";
  bool first = true;
  for (const auto& event : feed.events) {
    if (!first) out += ',';
    first = false;
    put_json_item(out, make_entry(feed, event));
  }
  out += "]}\n";
}

void append_xml_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    switch (text.front()) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      // A bare CR would be read as a line feed (XML 1.0 section 2.11).
      case '\r': out += "&#13;"; break;
      default:
        if (const size_t bytes = forbidden_bytes(text); bytes > 0) {
          out += kReplacement;
          text.remove_prefix(bytes);
          continue;
        }
        out += text.front();
    }
    text.remove_prefix(1);
  }
}

}  // namespace carillon
