#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/client.h"
#include "cli/websocket_client.h"

namespace carillon {

namespace {

// `public_url` and `retention.age` are --public-url and --retention-age.
std::string flag_of(std::string_view key) {
  std::string flag = "--";
  for (const char c : key) flag += c == '_' || c == '.' ? '-' : c;
  return flag;
}

void add_hub_options(CLI::App& app, HubCommand& command, const Commands& commands) {
  app.add_option("--config", command.config_file, "a TOML file; carillon.toml shows every key");
  for (const auto& [key, help] : commands.settings) {
    app.add_option_function<std::string>(
        flag_of(key),
        [&command, name = std::string(key)](const std::string& value) {
          command.settings[name] = value;
        },
        std::string(help));
  }
}

// Each command has its own: the environment fills in those of the commands that are not run, too.
std::shared_ptr<ClientOptions> add_client_options(CLI::App& app) {
  auto options = std::make_shared<ClientOptions>();
  app.add_option("--server", options->server, "the hub's origin")->envname("CARILLON_SERVER");
  app.add_option("--token", options->token, "a bearer token")->envname("CARILLON_TOKEN");
  return options;
}

// Everything that parsing fills in, and the code of the command that was run.
struct Parsed {
  HubCommand hub;
  LogCommand log;
  PublishOptions publish;
  TailOptions tail;
  WebSocketClientOptions websocket;
  std::string topics_pattern = "**";
  std::function<int()> run;
};

void add_hub_commands(CLI::App& app, Parsed& parsed, const Commands& commands) {
  const std::pair<const char*, const char*> kinds[] = {
      {"dev", "run a hub for development: loopback only, no tokens needed"},
      {"serve", "run a hub: nothing is allowed without a token"}};
  for (const auto& [name, help] : kinds) {
    auto* command = app.add_subcommand(name, help);
    add_hub_options(*command, parsed.hub, commands);
    command->callback([&parsed, &commands, name] {
      parsed.hub.name = name;
      parsed.run = [&] { return commands.run_hub(parsed.hub); };
    });
  }
  auto* demo = app.add_subcommand("demo", "run a hub with a demo at /demo/NAME");
  demo->add_option("name", parsed.hub.demo, "the demo: scoreboard, together, arena, or all")
      ->required();
  demo->add_option("--speed", parsed.hub.speed, "seconds of the season a second")
      ->check(CLI::Range(kDemoSpeedMin, kDemoSpeedMax));
  add_hub_options(*demo, parsed.hub, commands);
  demo->callback([&] {
    parsed.hub.name = "demo";
    parsed.run = [&] { return commands.run_hub(parsed.hub); };
  });
  auto* config = app.add_subcommand("config", "check or show the configuration");
  config->require_subcommand(1);
  for (const auto& [name, help] :
       {std::pair("check", "say whether the configuration would start"),
        std::pair("show", "print the whole configuration, tokens left out")}) {
    auto* command = config->add_subcommand(name, help);
    add_hub_options(*command, parsed.hub, commands);
    command->callback([&parsed, &commands, name] {
      parsed.hub.name = name;
      parsed.run = [&] { return commands.config(parsed.hub); };
    });
  }
}

void add_log_commands(CLI::App& app, Parsed& parsed, const Commands& commands) {
  auto* log = app.add_subcommand("log", "look at a log on disk; the hub must be stopped");
  log->require_subcommand(1);
  parsed.log.data = "./carillon-data";
  for (const auto& [name, help] :
       {std::pair("verify", "read everything and report damage by file and position"),
        std::pair("dump", "print every event as a line of JSON"),
        std::pair("stat", "print what is stored"),
        std::pair("restore", "make a data directory from a snapshot, under a new epoch")}) {
    auto* command = log->add_subcommand(name, help);
    command->add_option("--data", parsed.log.data, "the data directory");
    if (std::string_view(name) == "restore")
      command->add_option("snapshot", parsed.log.from, "the snapshot's directory")->required();
    command->callback([&parsed, &commands, name] {
      parsed.log.name = name;
      parsed.run = [&] { return commands.log(parsed.log); };
    });
  }
}

void add_client_commands(CLI::App& app, Parsed& parsed) {
  auto* publish = app.add_subcommand("publish", "publish one event");
  publish->add_option("topic", parsed.publish.topic, "the topic")->required();
  publish->add_option("data", parsed.publish.data, "the data; - or nothing reads stdin");
  publish->add_option("--type", parsed.publish.type, "the event's type");
  publish->add_option("--subject", parsed.publish.subject, "the event's subject");
  publish->add_option("--key", parsed.publish.key, "the ordering and conflation key");
  publish->add_option("--content-type", parsed.publish.content_type, "the data's content type");
  publish->add_option("--idempotency-key", parsed.publish.idempotency_key, "the same on every try");
  publish->callback([&parsed, client = add_client_options(*publish)] {
    parsed.run = [&parsed, client] { return run_publish(*client, parsed.publish); };
  });

  auto* tail = app.add_subcommand("tail", "follow a topic or pattern");
  tail->add_option("pattern", parsed.tail.pattern, "a topic or pattern, e.g. orders.*")->required();
  tail->add_option("--after", parsed.tail.after, "a cursor, first, now, -N or a time");
  tail->add_option("--type", parsed.tail.type, "only events of this type");
  tail->add_flag("--json", parsed.tail.json, "print events as JSON lines");
  tail->add_option("--count", parsed.tail.count, "end after so many events")
      ->check(CLI::Range(uint64_t{1}, uint64_t{UINT32_MAX}));
  tail->callback([&parsed, client = add_client_options(*tail)] {
    parsed.run = [&parsed, client] { return run_tail(*client, parsed.tail); };
  });

  auto* topics = app.add_subcommand("topics", "list topics");
  topics->add_option("pattern", parsed.topics_pattern, "a pattern");
  topics->callback([&parsed, client = add_client_options(*topics)] {
    parsed.run = [&parsed, client] { return run_topics(*client, parsed.topics_pattern); };
  });
}

void add_websocket_command(CLI::App& app, Parsed& parsed) {
  auto* ws = app.add_subcommand("ws", "talk to a WebSocket, the hub's or anyone's");
  ws->add_option("url", parsed.websocket.url, "ws://…, or a path of the hub's, e.g. /ws")
      ->required();
  ws->add_option("--subprotocol", parsed.websocket.subprotocols, "offered; may be repeated");
  ws->add_flag("--json", parsed.websocket.json, "print frames as JSON lines");
  ws->add_flag("--frames", parsed.websocket.frames, "show pings, pongs and the close, too");
  ws->add_option("--count", parsed.websocket.count, "end after so many frames")
      ->check(CLI::Range(uint64_t{1}, uint64_t{UINT32_MAX}));
  ws->callback([&parsed, client = add_client_options(*ws)] {
    parsed.run = [&parsed, client] { return run_websocket_client(*client, parsed.websocket); };
  });
}

}  // namespace

int run_command_line(int count, char** words, const Commands& commands) {
  CLI::App app("Carillon: one hub for webhooks, Server-Sent Events, WebSub and WebSocket.",
               "carillon");
  app.require_subcommand(1);
  app.set_version_flag("--version", "carillon " CARILLON_VERSION);
  Parsed parsed;
  app.add_subcommand("version", "print the version")->callback([&] {
    parsed.run = [] {
      std::cout << "carillon " CARILLON_VERSION "\n";
      return kExitOk;
    };
  });
  add_hub_commands(app, parsed, commands);
  add_client_commands(app, parsed);
  add_websocket_command(app, parsed);
  add_log_commands(app, parsed, commands);
  const std::string first = count > 1 ? words[1] : "";
  const bool known = std::ranges::any_of(
      app.get_subcommands({}), [&](const CLI::App* command) { return command->check_name(first); });
  if (!known && !first.empty() && !first.starts_with('-')) {
    std::cerr << "carillon: there is no command '" << first << "'; carillon --help lists them\n";
    return kExitUsage;
  }
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  const int code = parsed.run();
  if (std::cout.flush()) return code;
  std::cerr << "carillon: the output cannot be written\n";
  return code == kExitOk ? kExitFailure : code;
}

}  // namespace carillon
