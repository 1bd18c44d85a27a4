#include "options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace carillon {

namespace {

constexpr int kExitUsage = 2;

}  // namespace

void give_up(const std::string& reason) {
  std::fprintf(stderr, "bench: %s\n", reason.c_str());
  std::exit(kExitUsage);
}

Options::Options(int count, char** arguments) {
  for (int i = 0; i < count; i += 2) {
    const std::string name = arguments[i];
    if (!name.starts_with("--") || i + 1 == count) give_up("expected --name value, not " + name);
    values_[name.substr(2)] = arguments[i + 1];
  }
}

std::string Options::text(const std::string& name, const std::string& otherwise) {
  used_[name] = true;
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

std::string Options::text(const std::string& name) {
  if (!values_.contains(name)) give_up("--" + name + " is missing");
  return text(name, "");
}

uint64_t Options::number(const std::string& name, uint64_t otherwise) {
  const std::string value = text(name, std::to_string(otherwise));
  char* end = nullptr;
  const uint64_t number = std::strtoull(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0') give_up("--" + name + " wants a whole number, not " + value);
  return number;
}

uint64_t Options::number(const std::string& name) {
  if (!values_.contains(name)) give_up("--" + name + " is missing");
  return number(name, 0);
}

double Options::real(const std::string& name, double otherwise) {
  const std::string value = text(name, std::to_string(otherwise));
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0') give_up("--" + name + " wants a number, not " + value);
  return number;
}

void Options::check_all_used() const {
  for (const auto& [name, value] : values_) {
    if (!used_.contains(name)) give_up("unknown option --" + name);
  }
}

void Outcome::add(std::string_view name, uint64_t value) {
  members_.emplace_back(name, std::to_string(value));
}

void Outcome::add(std::string_view name, double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.6g", std::isfinite(value) ? value : 0.0);
  members_.emplace_back(name, text);
}

void Outcome::add(std::string_view name, std::string_view value) {
  members_.emplace_back(name, '"' + std::string(value) + '"');
}

void Outcome::print() const {
  std::string line = "{";
  for (const auto& [name, value] : members_) {
    if (line.size() > 1) line += ", ";
    line += '"' + name + "\": " + value;
  }
  std::puts((line + "}").c_str());
}

double percentile(std::vector<uint32_t>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

}  // namespace carillon
