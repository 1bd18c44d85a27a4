// The words of the command line.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace carillon {

// Exit codes, as sysexits(3) names them where it does.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

// Slower is a demo that stands still; faster, its season is over at once.
inline constexpr double kDemoSpeedMin = 0.0001;
inline constexpr double kDemoSpeedMax = 1e6;

struct HubCommand {
  std::string name;  // `serve`, `dev`, `demo`, `check`, `show`
  std::string demo;  // of `demo`
  std::string config_file;
  std::map<std::string, std::string> settings;  // by key, as given by flags
  double speed = 240;                           // of `demo scoreboard`
};

struct LogCommand {
  std::string name;  // `verify`, `dump`, `stat`, `restore`
  std::string data;
  std::string from;  // of `restore`
};

// What carillon.cc joins: the commands that need the hub.
struct Commands {
  std::function<int(const HubCommand&)> run_hub;
  std::function<int(const HubCommand&)> config;
  std::function<int(const LogCommand&)> log;
  std::map<std::string_view, std::string_view> settings;  // key and help: one flag each
};

// Parses and runs; the process's exit code.
int run_command_line(int count, char** words, const Commands& commands);

}  // namespace carillon
