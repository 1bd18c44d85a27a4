// main: the only place that names concrete parts and joins them.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>

#include "admin/gate.h"
#include "admin/health.h"
#include "admin/management.h"
#include "admin/metrics.h"
#include "admin/pages.h"
#include "base/limits.h"
#include "cli/command_line.h"
#include "demo/demo.h"
#include "hub/access.h"
#include "hub/config.h"
#include "hub/local_hub.h"
#include "in/event_publish.h"
#include "in/http_publish.h"
#include "log/embedded_log.h"
#include "log/log_tools.h"
#include "log/snapshot.h"
#include "net/listener.h"
#include "out/topic_reads.h"

extern char** environ;  // NOLINT: the name is POSIX's

namespace carillon {

namespace {

// Readers of old events that may block at once: enough to keep a disk busy, few enough to starve
// nobody.
constexpr size_t kReadThreads = 4;
// Streams that have not taken their bye by then are cut (RELIABILITY G9 allows 30 s in all).
constexpr std::chrono::seconds kDrainTime{10};

// At the turn's end the loop's publishes go to the committer, before frames and answers leave.
class HandOver : public TurnEnd {
 public:
  explicit HandOver(LocalHub& hub) : hub_(hub) {}
  bool on_turn_end() override {
    hub_.hand_over();
    return false;
  }

 private:
  LocalHub& hub_;
};

// Whom the hub ended by itself: what an operator asks the logger for. (Who left by himself is in
// /v1/connections and the metrics.)
void log_ended(Logger& logger, const EndedConnection& ended) {
  constexpr std::array<std::string_view, 4> kByHub = {"stalled", "pinned", "log unreadable", "gap"};
  const bool by_hub = std::ranges::find(kByHub, ended.reason) != kByHub.end();
  logger.write(by_hub ? Severity::warning : Severity::debug, "a connection ended",
               {{"reason", ended.reason},
                {"id", std::to_string(ended.id)},
                {"peer", ended.peer},
                {"what", ended.what}});
}

// What the loops share.
struct Shared {
  const Config& config;
  Log& log;
  ReadPool& pool;
  const Access& access;
  const Gate& gate;
  const Clock& clock;
  Logger& logger;
  HealthState& health;
  const std::vector<LoopProbe>& probes;
  MonotonicTime started;
};

// Everything that one loop owns, in the order of dependence.
struct LoopParts {
  LoopParts(size_t index, const Shared& shared)
      : loop(index),
        hub(
            shared.log, shared.pool, [this](auto task) { loop.post(std::move(task)); },
            shared.config.tail_bytes),
        hand_over(hub),
        router(shared.gate),
        publish(hub, shared.access, shared.clock, random),
        event_door(hub, shared.clock, random),
        management(hub, shared.probes, shared.started),
        metrics(hub, shared.probes),
        health(hub, shared.health) {
    loop.add_turn_end(hand_over);
    fan_out = std::make_unique<FanOut>(
        loop, hub, FanOut::Options{shared.config.heartbeat, shared.config.stall});
    connections = std::make_unique<ConnectionTable>(loop);
    connections->on_ended(
        [&logger = shared.logger](const EndedConnection& ended) { log_ended(logger, ended); });
    sockets = std::make_unique<Sockets>(*fan_out, event_door, shared.access, shared.config,
                                        Sockets::Chance{shared.clock, random});
    reads = std::make_unique<TopicReads>(*fan_out, shared.access, shared.config, *sockets);
    // Answers that leave may let more requests be read: their publishes go at once, too.
    loop.add_turn_end(hand_over);
    listener = std::make_unique<Listener>(loop, *connections, router, shared.logger);
    publish.add_routes(router);
    reads->add_routes(router);
    sockets->add_routes(router);
    management.add_routes(router);
    metrics.add_routes(router);
    health.add_routes(router);
  }

  LoopProbe probe() {
    return {&loop, connections.get(),
            [this] { return LoopCounts{fan_out->deliveries(), fan_out->readers()}; }};
  }

  Loop loop;
  SystemRandom random;
  LocalHub hub;
  HandOver hand_over;
  Router router;
  HttpPublish publish;
  EventPublish event_door;
  Management management;
  Metrics metrics;
  HealthDoor health;
  std::unique_ptr<FanOut> fan_out;
  std::unique_ptr<ConnectionTable> connections;
  std::unique_ptr<Sockets> sockets;
  std::unique_ptr<TopicReads> reads;
  std::unique_ptr<Listener> listener;
};

// A running hub: from an open log to the last drained stream.
class Hub {
 public:
  Hub(const Config& config, Logger& logger)
      : config_(config), logger_(logger), access_(config), gate_(config, access_) {}

  Result<> open(bool with_demo_pages);
  // Until a signal; the exit code.
  int run(std::vector<std::unique_ptr<Demo>> demos);
  LoopParts& first_loop() { return *loops_.front(); }

 private:
  void on_signal(int signal);
  void drain();
  void stop();
  void wait_for_signal();
  void look_whether_drained();

  const Config& config_;
  Logger& logger_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<PosixDisk> disk_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<ReadPool> pool_;
  Access access_;
  Gate gate_;
  HealthState health_state_;
  std::vector<LoopProbe> probes_;
  std::vector<std::unique_ptr<LoopParts>> loops_;
  std::unique_ptr<HealthProbe> health_probe_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unique_ptr<boost::asio::steady_timer> drain_timer_;
  MonotonicTime drain_until_{};
  std::atomic<bool> failed_{false};
};

Result<> Hub::open(bool with_demo_pages) {
  TRY(const auto address, parse_listen_address(config_.listen));
  TRY(disk_, PosixDisk::open_directory(config_.data + "/log", PosixDisk::Lock::exclusive));
  ::chmod(config_.data.c_str(), 0700);
  TRY(const auto endpoint, probe_endpoint(address));
  TRY(log_,
      EmbeddedLog::open(
          *disk_, clock_, random_, logger_,
          {.settings_for = [this](std::string_view topic) { return config_.settings_for(topic); },
           .journal_bytes = config_.journal_bytes,
           .log_bytes_max = config_.log_bytes,
           .threads = EmbeddedLog::Threads::own,
           .on_failed =
               [this](const Error&) {
                 failed_ = true;
                 ::kill(::getpid(), SIGTERM);
               }}));
  pool_ = std::make_unique<ReadPool>(kReadThreads);
  const size_t count = config_.loops != 0
                           ? config_.loops
                           : std::clamp(std::thread::hardware_concurrency(), 1U, 256U);
  const Shared shared{config_, *log_,   *pool_,        access_, gate_,
                      clock_,  logger_, health_state_, probes_, clock_.monotonic_now()};
  for (size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<LoopParts>(i, shared));
  for (auto& parts : loops_) {
    probes_.push_back(parts->probe());
    if (with_demo_pages) add_page_routes(parts->router, "/demo");
  }
  // Before anybody is told that it listens: a signal then never ends it undrained.
  signals_ =
      std::make_unique<boost::asio::signal_set>(loops_.front()->loop.context(), SIGTERM, SIGINT);
  // The log may have been long in opening.
  TRY(const auto still_free, probe_endpoint({endpoint.address().to_string(), endpoint.port()}));
  for (auto& parts : loops_) TRY(parts->listener->listen(still_free));
  const auto host = endpoint.address().is_v6() ? fmt::format("[{}]", endpoint.address().to_string())
                                               : endpoint.address().to_string();
  std::fputs(fmt::format("listening on http://{}:{}\n", host, endpoint.port()).c_str(), stderr);
  std::fflush(stderr);
  return {};
}

int Hub::run(std::vector<std::unique_ptr<Demo>> demos) {
  LoopParts& first = *loops_.front();
  health_probe_ = std::make_unique<HealthProbe>(first.loop, first.hub, health_state_);
  first.loop.post([this, &demos] {
    health_probe_->begin();
    for (const auto& demo : demos) demo->begin();
  });
  wait_for_signal();
  std::vector<std::thread> threads;
  for (size_t i = 1; i < loops_.size(); ++i)
    threads.emplace_back([this, i] { loops_[i]->loop.run(); });
  first.loop.run();
  for (auto& thread : threads) thread.join();
  pool_.reset();
  demos.clear();
  health_probe_.reset();
  drain_timer_.reset();
  signals_.reset();
  log_->quiesce();
  loops_.clear();
  log_.reset();
  return failed_ ? kExitFailure : kExitOk;
}

void Hub::wait_for_signal() {
  signals_->async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    wait_for_signal();
    on_signal(signal);
  });
}

// The second one does not wait for anybody.
void Hub::on_signal(int signal) {
  if (failed_ || health_state_.draining) return stop();
  logger_.info("draining", {{"signal", std::to_string(signal)}});
  drain();
}

// Streams get their bye, publishes in flight their answer, then the loops end.
void Hub::drain() {
  health_state_.draining = true;
  for (auto& parts : loops_) {
    parts->loop.post([&parts] {
      parts->listener->close();
      parts->fan_out->drain();
      parts->connections->drain();
    });
  }
  LoopParts& first = *loops_.front();
  drain_until_ = first.loop.now() + kDrainTime;
  drain_timer_ = std::make_unique<boost::asio::steady_timer>(first.loop.context());
  look_whether_drained();
}

// Every 20 ms: whether every loop has let its connections go.
void Hub::look_whether_drained() {
  drain_timer_->expires_after(std::chrono::milliseconds(20));
  drain_timer_->async_wait([this](boost::system::error_code error) {
    if (error) return;
    ask_all_loops<size_t>(
        probes_, loops_.front()->loop,
        [](const LoopProbe& probe) {
          probe.connections->drain();
          return probe.connections->size();
        },
        [this](const std::vector<size_t>& open) {
          size_t sum = 0;
          for (const size_t count : open) sum += count;
          if (sum == 0 || loops_.front()->loop.now() >= drain_until_) return stop();
          look_whether_drained();
        });
  });
}

void Hub::stop() {
  for (auto& parts : loops_) {
    parts->loop.post([&parts] { parts->connections->close_all(); });
    parts->loop.stop();
  }
}

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error))
    return fail(Errc::bad_input, "cannot read {}: give an existing file with --config", path);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// File, then environment, then flags: the nearer wins.
Result<Config> load_config(const HubCommand& command, HubMode mode, Logger& logger) {
  Config config;
  config.mode = mode;
  if (!command.config_file.empty()) {
    TRY(const std::string document, read_file(command.config_file));
    TRY(apply_toml(config, document, command.config_file));
  }
  TRY(const auto unknown, apply_environment(config, environ));
  for (const auto& variable : unknown)
    logger.warn("an environment variable is not known", {{"variable", variable}});
  for (const auto& [key, value] : command.settings) TRY(apply_setting(config, key, value));
  TRY(check_config(config));
  TRY(const auto address, parse_listen_address(config.listen));
  const bool loopback = boost::asio::ip::make_address(address.host).is_loopback();
  if (mode == HubMode::dev && !loopback) {
    return fail(Errc::bad_input,
                "`dev` lets everybody on this machine do everything and listens on loopback only, "
                "not on {}: use `serve` "
                "with tokens to be reached from elsewhere",
                address.host);
  }
  return config;
}

int complain(const Error& error) {
  std::cerr << "carillon: " << error.detail << "\n";
  return error.code == Errc::bad_input ? kExitUsage : kExitFailure;
}

// Ten thousand streams are ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run_hub(const HubCommand& command) {
  StderrLogger logger(::isatty(STDERR_FILENO) != 0 ? LogFormat::text : LogFormat::json,
                      Severity::info);
  const bool demo = command.name == "demo";
  if (demo && !is_demo(command.demo)) {
    return complain({Errc::bad_input, fmt::format("there is no demo '{}'; there are: {}",
                                                  command.demo, fmt::join(demo_names(), ", "))});
  }
  auto config =
      load_config(command, command.name == "serve" ? HubMode::serve : HubMode::dev, logger);
  if (!config) return complain(config.error());
  if (demo) add_demo_topics(*config);
  ::prctl(PR_SET_DUMPABLE, 0);  // tokens never reach a core file
  raise_descriptor_limit();
  Hub hub(*config, logger);
  if (auto opened = hub.open(command.name != "serve"); !opened) return complain(opened.error());
  std::vector<std::unique_ptr<Demo>> demos;
  if (demo) {
    LoopParts& first = hub.first_loop();
    demos =
        make_demos(command.demo, {first.loop, first.hub, first.event_door, first.random, logger},
                   command.speed);
  }
  return hub.run(std::move(demos));
}

int run_config(const HubCommand& command) {
  StderrLogger logger(::isatty(STDERR_FILENO) != 0 ? LogFormat::text : LogFormat::json,
                      Severity::info);
  const auto config = load_config(command, HubMode::serve, logger);
  if (!config) return complain(config.error());
  std::cout << (command.name == "show" ? show_config(*config) : "the configuration is sound\n");
  return kExitOk;
}

bool print_line(std::string_view line) {
  std::cout << line << '\n';
  return static_cast<bool>(std::cout);
}

int restore(const LogCommand& command) {
  auto from = PosixDisk::open_directory(command.from, PosixDisk::Lock::shared);
  if (!from) return complain(from.error());
  auto into = PosixDisk::make_vacant(command.data + "/log");
  if (!into) return complain(into.error());
  SystemRandom random;
  const auto epoch = restore_snapshot(**from, **into, random);
  if (!epoch) return complain(epoch.error());
  std::cout << fmt::format("restored into {}; new cursors begin with {}\n", command.data,
                           Cursor{*epoch, {}}.text());
  return kExitOk;
}

int run_log(const LogCommand& command) {
  if (command.name == "restore") return restore(command);
  const auto path = command.data + "/log";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return complain(
        {Errc::not_found,
         fmt::format("there is no log in {}: name the data directory with --data", command.data)});
  }
  auto disk = PosixDisk::open_directory(path, PosixDisk::Lock::exclusive);
  if (!disk) return complain(disk.error());
  if (command.name == "dump") {
    const auto dumped = dump_log(**disk, print_line);
    return dumped ? kExitOk : complain(dumped.error());
  }
  const auto report = command.name == "verify" ? verify_log(**disk) : describe_log(**disk);
  if (!report) return complain(report.error());
  std::cout << report->text;
  return report->sound ? kExitOk : kExitFailure;
}

}  // namespace

}  // namespace carillon

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  return carillon::run_command_line(count, words,
                                    {.run_hub = carillon::run_hub,
                                     .config = carillon::run_config,
                                     .log = carillon::run_log,
                                     .settings = carillon::setting_help()});
}
