// What a person sees who opens a topic in a browser, and the answer to a cursor that is too old.
#pragma once

#include <string>
#include <vector>

#include "event/topic.h"
#include "net/exchange.h"
#include "out/page.h"

namespace carillon {

// A small page without scripts: the newest events and the lines to paste.
Response topic_html(const std::vector<TopicPattern>& topics, const Page& page,
                    const std::string& origin);

// 410 `cursor-expired` with the gap's members and `continue`: the same URL that goes on all the
// same.
Response expired_response(const Gap& gap, const Exchange& exchange);

}  // namespace carillon
