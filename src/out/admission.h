// What every door out asks before it reads: rights and options.
#pragma once

#include <optional>
#include <vector>

#include "hub/access.h"
#include "net/exchange.h"
#include "out/read_options.h"

namespace carillon {

Problem option_problem(const OptionError& error);
Response option_error_response(const OptionError& error);

// The parsed options of a permitted read; nothing when the answer is given already.
std::optional<ReadOptions> admit_read(Exchange& exchange, const Access& access,
                                      std::vector<TopicPattern> topics);

}  // namespace carillon
