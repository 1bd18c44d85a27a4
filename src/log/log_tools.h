// `carillon log …`: looking at a log on disk with nothing else running.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "log/disk.h"

namespace carillon {

struct LogReport {
  bool sound = true;  // false: damage was found
  std::string text;
};

// Reads every record of every file and checks it. Errc::busy when a hub uses the directory.
Result<LogReport> verify_log(Disk& disk);
// What is stored, a line a file and a line a topic.
Result<LogReport> describe_log(Disk& disk);
// Calls `line` with each living event as one line of JSON, in position order; false ends it.
Result<> dump_log(Disk& disk, bool (*line)(std::string_view));

}  // namespace carillon
