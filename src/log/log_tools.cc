#include "log/log_tools.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "log/log_reader.h"
#include "log/recovery.h"
#include "log/segment.h"

namespace carillon {

namespace {

TopicSettings keep_everything(std::string_view) { return {}; }

// A log opened for looking only: recovered in memory, nothing on the disk is changed.
struct Opened {
  LogState state;
  RepeatWindow repeats;
  Recovered recovered;
};

Result<std::unique_ptr<Opened>> open_for_looking(Disk& disk) {
  TRY(read_identity(disk));  // never make a log where there is none
  auto opened = std::make_unique<Opened>();
  SystemRandom random;
  NullLogger logger;
  TRY(opened->recovered, recover(disk, opened->state, opened->repeats, random, logger,
                                 keep_everything, RecoveryMode::look));
  return opened;
}

// Reads the whole log and hands out each event.
template <typename Visit>
Result<> read_everything(Opened& opened, Visit visit) {
  std::vector<TopicPattern> everything{*TopicPattern::parse("**"), *TopicPattern::parse("$sys.**")};
  ReadRequest request{.topics = std::make_shared<TopicSelection>(std::move(everything)),
                      .after = {},
                      .bytes_max = 4 * kReadBytesMax,
                      .events_max = kCommitEventsMax,
                      .told_marks = UINT64_MAX};
  while (request.after.value < opened.state.durable_end) {
    TRY(const auto read, read_log(opened.state, request));
    for (const EventView& event : read.events) {
      if (!visit(event)) return {};
    }
    if (read.looked <= request.after) break;
    request.after = read.looked;
  }
  return {};
}

std::string dump_line(const EventView& event, Epoch epoch) {
  const auto attributes = event.attributes();
  std::string line = fmt::format(R"({{"cursor":"{}","topic":"{}","stored_at":"{}","id":)",
                                 Cursor{epoch, event.position()}.text(), event.topic(),
                                 to_rfc3339(event.stored_at()));
  append_json_string(line, attributes.id);
  line += ",\"type\":";
  append_json_string(line, attributes.type);
  if (event.form() == DataForm::binary) {
    line += ",\"data_base64\":\"" + to_base64(event.data()) + "\"}";
  } else {
    line += ",\"data\":";
    append_json_string(line, event.data());
    line += '}';
  }
  return line;
}

}  // namespace

namespace {

// What no reader meets as long as the other copy, or the records, are there.
Result<> check_redundancy(Disk& disk, LogReport& report) {
  TRY(const auto names, disk.list());
  const auto note = [&](const Error& error) {
    report.sound = false;
    report.text += error.detail + "\n";
  };
  for (const auto& name : names) {
    const bool doubled = name == "identity" || is_state_name(name) || repeats_number(name) != 0;
    if (doubled) {
      if (const auto checked = check_copies(disk, name); !checked) note(checked.error());
    }
    const uint64_t id = Segment::id_of(name);
    if (id == 0) continue;
    const auto segment = Segment::open(disk, id);
    if (!segment) continue;  // recovery has said so
    if (const auto checked = (*segment)->check_index(); !checked) note(checked.error());
  }
  return {};
}

}  // namespace

Result<LogReport> verify_log(Disk& disk) {
  TRY(const auto opened, open_for_looking(disk));
  LogReport report;
  TRY(check_redundancy(disk, report));
  for (const Error& lost : opened->recovered.lost_repeats) {
    report.sound = false;
    report.text += lost.detail + ": repeats of its publishes would be stored again\n";
  }
  uint64_t events = 0;
  TRY(read_everything(*opened, [&](const EventView&) {
    ++events;
    return true;
  }));
  for (const Damage& damage : opened->state.damages) {
    report.sound = false;
    report.text +=
        fmt::format("{} byte {}: damaged; events behind position {} up to {} may be lost\n",
                    damage.file, damage.offset, damage.after.value, damage.last.value);
  }
  report.text +=
      fmt::format("{} events read, {} damaged places, epoch {}, durable end {}\n", events,
                  opened->state.damages.size(), Cursor{opened->recovered.epoch, {}}.text(),
                  opened->recovered.last.value);
  return report;
}

Result<LogReport> describe_log(Disk& disk) {
  TRY(const auto opened, open_for_looking(disk));
  LogReport report;
  LogState& state = opened->state;
  report.text +=
      fmt::format("cursor {}\n", Cursor{opened->recovered.epoch, opened->recovered.last}.text());
  for (const auto& segment : state.segments) {
    uint64_t events = 0;
    for (const SegmentRun& run : segment->footer().runs) events += run.events;
    report.text += fmt::format("{}  positions {} to {}  {} events  {} topics  {} bytes\n",
                               Segment::name_of(segment->id()), segment->footer().first.value,
                               segment->footer().last.value, events, segment->footer().runs.size(),
                               segment->file_bytes());
  }
  for (const auto& index : state.journals) {
    report.text +=
        fmt::format("{}  {} events  {} bytes used\n", Journal::name_of(index->journal()->id()),
                    index->entries().size(), index->end());
  }
  report.text += fmt::format("{} spare journals, {} publishes remembered\n", state.spares.size(),
                             opened->repeats.size());
  for (TopicRow& row : state.topics.rows()) {
    TRY(const auto content, content_of(state, row.id));
    report.text += fmt::format("topic {}  {} events  {} bytes{}\n", row.name, content.events,
                               content.bytes, row.listed ? "" : "  deleted");
  }
  return report;
}

Result<> dump_log(Disk& disk, bool (*line)(std::string_view)) {
  TRY(const auto opened, open_for_looking(disk));
  TRY(read_everything(*opened, [&](const EventView& event) {
    return line(dump_line(event, opened->recovered.epoch));
  }));
  if (opened->state.damages.empty()) return {};
  const Damage& first = opened->state.damages.front();
  return fail(Errc::corrupt,
              "{} places of the log are damaged, the first in {} byte {}: `carillon log verify` "
              "names them all",
              opened->state.damages.size(), first.file, first.offset);
}

}  // namespace carillon
