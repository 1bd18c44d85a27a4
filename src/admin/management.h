// The management API: /v1/topics, /v1/connections, /v1/stats, /v1/snapshot.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "admin/loop_probe.h"
#include "hub/local_hub.h"
#include "net/router.h"

namespace carillon {

// One a loop; everything it borrows outlives it. Every route needs the right to manage.
class Management {
 public:
  Management(LocalHub& hub, const std::vector<LoopProbe>& probes, MonotonicTime started);

  void add_routes(Router& router);

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;

  void list_topics(const ExchangePtr& exchange);
  void get_topic(const ExchangePtr& exchange, const std::string& topic);
  void delete_topic(const ExchangePtr& exchange, const std::string& topic);
  void trim_topic(const ExchangePtr& exchange, const std::string& topic);
  void trim_before(const ExchangePtr& exchange, const std::string& topic, const std::string& body);
  void list_connections(const ExchangePtr& exchange);
  void get_stats(const ExchangePtr& exchange);
  void take_snapshot(const ExchangePtr& exchange);

  LocalHub& hub_;
  const std::vector<LoopProbe>& probes_;
  MonotonicTime started_;
};

std::string topic_json(const TopicBounds& bounds, Epoch epoch);

}  // namespace carillon
