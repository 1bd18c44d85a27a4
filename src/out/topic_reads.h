// The doors out over plain HTTP: pages, long-polls, streams, lines, single events and feeds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hub/access.h"
#include "net/router.h"
#include "out/fan_out.h"
#include "out/page.h"
#include "out/sockets.h"

namespace carillon {

// One a loop; everything it borrows outlives it.
class TopicReads {
 public:
  TopicReads(FanOut& fan_out, const Access& access, const Config& config, Sockets& sockets);

  void add_routes(Router& router);

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;
  struct Wanted {
    ReadOptions options;
    std::vector<TopicPattern> topics;
  };

  void get_topic(ExchangePtr exchange, const std::string& topic);
  void get_tail(ExchangePtr exchange, const std::string& topic);
  void get_stream(ExchangePtr exchange);
  void get_latest(ExchangePtr exchange, const std::string& topic);
  void get_event(ExchangePtr exchange, const std::string& topic, const std::string& cursor);
  void get_feed(ExchangePtr exchange, const std::string& topic, bool atom);

  void answer_by_accept(ExchangePtr exchange, ReadOptions options);
  void answer_page(ExchangePtr exchange, ReadOptions options);
  void give_page(Exchange& exchange, const PageRequest& request, Result<Page> page);
  void wait_for_page(const ExchangePtr& exchange, std::shared_ptr<const PageRequest> request,
                     const Page& empty);
  void answer_html(const ExchangePtr& exchange, ReadOptions options);
  void start_stream(ExchangePtr exchange, ReadOptions options, StreamKind kind);
  void begin_stream(Exchange& exchange, const ReadOptions& options, StreamKind kind,
                    ReadStart start);
  std::string origin_of(const Exchange& exchange) const;
  std::shared_ptr<PageRequest> page_request(ReadOptions options);

  FanOut& fan_out_;
  LocalHub& hub_;
  const Access& access_;
  const Config& config_;
  Sockets& sockets_;
  std::vector<TopicPattern> memory_patterns_;
};

}  // namespace carillon
