// The logger: diagnostics for operators. (The log is always the event log.)
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace carillon {

enum class Severity { debug, info, warning, error };

// One line a call on stderr: coloured text on a terminal, JSON otherwise. Thread-safe. Control
// characters, escapes and invalid UTF-8 in any field are escaped (RELIABILITY T23); a field is cut
// at 1 KiB.
class Logger {
 public:
  using Field = std::pair<std::string_view, std::string>;

  virtual ~Logger() = default;
  virtual void write(Severity severity, std::string_view text,
                     std::initializer_list<Field> fields) = 0;

  void debug(std::string_view text, std::initializer_list<Field> fields = {}) {
    write(Severity::debug, text, fields);
  }
  void info(std::string_view text, std::initializer_list<Field> fields = {}) {
    write(Severity::info, text, fields);
  }
  void warn(std::string_view text, std::initializer_list<Field> fields = {}) {
    write(Severity::warning, text, fields);
  }
  void error(std::string_view text, std::initializer_list<Field> fields = {}) {
    write(Severity::error, text, fields);
  }
};

enum class LogFormat { text, json };

// Writes to stderr through spdlog. Lives until the process ends.
class StderrLogger : public Logger {
 public:
  StderrLogger(LogFormat format, Severity least);
  ~StderrLogger() override;
  void write(Severity severity, std::string_view text,
             std::initializer_list<Field> fields) override;

 private:
  LogFormat format_;
};

// Swallows everything: for tests and tools that report by themselves.
class NullLogger : public Logger {
 public:
  void write(Severity, std::string_view, std::initializer_list<Field>) override {}
};

// `text` with C0, C1, ESC, bidirectional controls and invalid UTF-8 escaped, at most `bytes_max`
// long.
std::string printable(std::string_view text, size_t bytes_max);

}  // namespace carillon
