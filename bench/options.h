// `--name value` pairs of a command line, and what a bench program prints: one JSON object.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carillon {

// Ends the program with a line on stderr: a figure that was not taken as asked is worse than none.
[[noreturn]] void give_up(const std::string& reason);

// A value. Every name given must be asked for, or check_all_used() gives up: a misspelt option
// changes what is measured.
class Options {
 public:
  // `arguments` are those behind the command's name.
  Options(int count, char** arguments);

  std::string text(const std::string& name, const std::string& otherwise);
  std::string text(const std::string& name);
  uint64_t number(const std::string& name, uint64_t otherwise);
  uint64_t number(const std::string& name);
  double real(const std::string& name, double otherwise);
  void check_all_used() const;

 private:
  std::map<std::string, std::string> values_;
  std::map<std::string, bool> used_;
};

// Gathers the members of one flat JSON object in the order they came.
class Outcome {
 public:
  void add(std::string_view name, uint64_t value);
  void add(std::string_view name, double value);
  void add(std::string_view name, std::string_view value);
  void print() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

// Nearest rank; `values` are sorted by it. 0 of none.
double percentile(std::vector<uint32_t>& values, double share);

}  // namespace carillon
