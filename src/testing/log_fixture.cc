#include "testing/log_fixture.h"

#include <algorithm>

#include "base/check.h"

namespace carillon {

void FakeLogger::write(Severity severity, std::string_view text,
                       std::initializer_list<Field> fields) {
  std::string line(text);
  for (const auto& [name, value] : fields) line += fmt::format(" {}={}", name, value);
  const std::scoped_lock lock(mutex_);
  lines_.emplace_back(severity, std::move(line));
}

bool FakeLogger::told(Severity least, std::string_view part) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(lines_, [&](const auto& line) {
    return line.first >= least && line.second.find(part) != std::string::npos;
  });
}

std::vector<std::string> datas_of(const std::vector<ReadEvent>& events) {
  std::vector<std::string> datas;
  datas.reserve(events.size());
  for (const ReadEvent& event : events) datas.push_back(event.data);
  return datas;
}

Digest digest_of(std::string_view text) { return Digester().add(text).finish(); }

TopicPattern pattern_of(std::string_view text) {
  auto pattern = TopicPattern::parse(text);
  CHECK(pattern.has_value());
  return *std::move(pattern);
}

LogFixture::LogFixture(FakeDisk& on, uint64_t journal_bytes)
    : disk(on),
      settings([](std::string_view topic) {
        TopicSettings chosen;
        if (topic.starts_with("memory.")) chosen.durability = Durability::memory;
        return chosen;
      }),
      journal_bytes_(journal_bytes) {}

Result<> LogFixture::open() {
  log_.reset();
  TRY(log_,
      EmbeddedLog::open(disk, clock, random, logger,
                        {.settings_for = [this](std::string_view topic) { return settings(topic); },
                         .journal_bytes = journal_bytes_,
                         .log_bytes_max = log_bytes_max,
                         .threads = EmbeddedLog::Threads::none,
                         .on_failed = [this](const Error& error) { failures.push_back(error); }}));
  return {};
}

void LogFixture::add_event(Append& append, std::string_view topic, std::string_view data) {
  Event event{.id = fmt::format("id-{}", data.substr(0, 16)),
              .source = default_source(topic),
              .type = std::string(kDefaultType),
              .data = std::string(data),
              .form = DataForm::text};
  append.items.push_back({.topic = std::string(topic),
                          .offset = static_cast<uint32_t>(append.records.size()),
                          .repeat = std::nullopt,
                          .given = {}});
  append_event_record(append.records, event, TopicId{}, topic);
}

Append LogFixture::append_of(std::string_view topic, const std::vector<std::string>& datas) {
  Append append;
  for (const std::string& data : datas) add_event(append, topic, data);
  return append;
}

LogFixture::Answer LogFixture::submit(Append append) {
  auto answer = std::make_shared<std::optional<Result<Appended>>>();
  append.done = [answer](Result<Appended> result) {
    CHECK(!answer->has_value());  // once
    *answer = std::move(result);
  };
  std::vector<Append> appends;
  appends.push_back(std::move(append));
  log_->append(std::move(appends));
  return answer;
}

Result<Appended> LogFixture::commit(Append append) {
  const Answer answer = submit(std::move(append));
  constexpr int kTurnsMax = 1000;
  for (int turn = 0; turn < kTurnsMax && !answer->has_value(); ++turn) log_->commit_waiting();
  CHECK(answer->has_value());
  return **answer;
}

Result<Appended> LogFixture::publish(std::string_view topic, std::string_view data) {
  return commit(append_of(topic, {std::string(data)}));
}

Result<Appended> LogFixture::publish_once(std::string_view topic, std::string_view data,
                                          std::string_view key) {
  Append append = append_of(topic, {std::string(data)});
  append.repeat = RepeatKey{.key = digest_of(key), .body = digest_of(data)};
  append.made_id = "made-for-" + std::string(data.substr(0, 16));
  return commit(std::move(append));
}

Result<> LogFixture::trim(std::string_view topic, Position before) {
  auto answer = std::make_shared<std::optional<Result<>>>();
  log_->trim(std::string(topic), before, [answer](Result<> result) { *answer = result; });
  commit_all();
  CHECK(answer->has_value());
  return **answer;
}

Result<> LogFixture::drop(std::string_view topic) {
  auto answer = std::make_shared<std::optional<Result<>>>();
  log_->drop(std::string(topic), [answer](Result<> result) { *answer = result; });
  commit_all();
  CHECK(answer->has_value());
  return **answer;
}

void LogFixture::commit_all() {
  // A turn takes at most some hundred marks; nothing here waits with more than a few turns' work.
  constexpr int kTurnsMax = 64;
  for (int turn = 0; turn < kTurnsMax; ++turn) log_->commit_waiting();
}

void LogFixture::keep_house() {
  constexpr int kSteps = 3;
  for (int step = 0; step < kSteps; ++step) {
    clock.advance(std::chrono::seconds(2));
    log_->keep_house();
    commit_all();
  }
}

bool LogFixture::seal() {
  log_->keep_house();
  const std::string filler(journal_bytes_ / 8, 'f');
  while (log_->stats().journals < 2) {
    if (!publish("filler", filler)) return false;
  }
  log_->keep_house();
  return log_->stats().journals < 2;
}

ReadThrough LogFixture::read_through(const std::vector<std::string>& patterns, Position after,
                                     size_t bytes_max, size_t events_max) {
  std::vector<TopicPattern> parsed;
  parsed.reserve(patterns.size());
  for (const std::string& text : patterns) parsed.push_back(pattern_of(text));
  ReadRequest request{.topics = log_->select(std::move(parsed)),
                      .after = after,
                      .bytes_max = bytes_max,
                      .events_max = events_max,
                      .told_marks = 0};
  ReadThrough through{.looked = after};
  while (request.after < log_->durable_end()) {
    const auto read = log_->read(request);
    if (!read) {
      through.error = read.error();
      break;
    }
    for (const EventView& event : read->events) {
      through.events.push_back(
          {std::string(event.topic()), std::string(event.data()), event.position()});
    }
    through.gaps.insert(through.gaps.end(), read->gaps.begin(), read->gaps.end());
    through.damage.insert(through.damage.end(), read->damage.begin(), read->damage.end());
    if (read->looked <= request.after) break;  // no way on: the test sees that `looked` is short
    request.after = through.looked = read->looked;
    request.told_marks = read->told_marks;
  }
  return through;
}

std::vector<ReadEvent> LogFixture::read_all(const std::vector<std::string>& patterns,
                                            Position after) {
  return read_through(patterns, after).events;
}

std::vector<std::string> LogFixture::read_topic(const std::string& topic, Position after) {
  return datas_of(read_all({topic}, after));
}

}  // namespace carillon
