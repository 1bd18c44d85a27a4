// The commands that talk to a running hub over HTTP.
#pragma once

#include <cstdint>
#include <string>

namespace carillon {

struct ClientOptions {
  std::string server = "http://127.0.0.1:8080";
  std::string token;
};

struct PublishOptions {
  std::string topic;
  std::string data;
  std::string type;
  std::string subject;
  std::string key;
  std::string content_type;
  std::string idempotency_key;
};

struct TailOptions {
  std::string pattern;
  std::string after;
  std::string type;
  bool json = false;
  uint64_t count = 0;  // 0: without end
};

// Each prints its answer on stdout and errors on stderr; the exit code.
int run_publish(const ClientOptions& client, const PublishOptions& options);
// Follows over SSE, and comes back after the last event it printed when the connection breaks.
int run_tail(const ClientOptions& client, const TailOptions& options);
int run_topics(const ClientOptions& client, const std::string& pattern);

}  // namespace carillon
