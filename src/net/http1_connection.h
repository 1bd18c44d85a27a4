// HTTP/1.1 on one socket: reads requests, hands them to the service, answers in their order (RFC
// 9112).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "net/connection_table.h"
#include "net/exchange.h"
#include "net/http1_stream.h"
#include "wire/chunked.h"

namespace carillon {

class Http1Exchange;

// Owned by the loop's ConnectionTable; lives on the loop's thread. An idle connection owns no
// buffer: reading is a wait for readability and a direct recv into the loop's scratch. Answers
// gather and leave at the end of the turn.
class Http1Connection : public Connection, public std::enable_shared_from_this<Http1Connection> {
 public:
  Http1Connection(Loop& loop, ConnectionTable& table, HttpService& service,
                  boost::asio::ip::tcp::socket socket);
  ~Http1Connection() override;

  void start();

  // Connection
  void sweep(MonotonicTime now) override;
  void flush() override;
  void drain() override;
  std::string describe() const override;

  // Http1Exchange's side
  void resume_reading();
  void answer_ready();
  // Its answer came before its body had: what follows on this connection is not read as a request.
  void stop_body_of(Http1Exchange& exchange);
  void give_room_back(size_t bytes) { table_.give_room_back(bytes); }
  StreamHandle* start_stream(Http1Exchange& exchange, Response head, std::string start,
                             std::unique_ptr<StreamOwner> owner);

  StreamHandle* start_duplex(Http1Exchange& exchange, Response head,
                             std::unique_ptr<DuplexOwner> owner);
  // Requests are read on.
  void upgrade_refused();

  // Http1Stream's side
  void wait_writable();
  // Sends answers that stand before the stream's bytes; true when none are left.
  bool send_pending();
  bool has_pending() const { return !out_.empty(); }
  int descriptor() const { return descriptor_; }
  void end_stream(std::string pending, std::string_view last, std::string_view reason);
  void close(std::string_view reason) override;

 private:
  enum class Reading {
    head,
    body,
    paused,   // the body's taker or the pipeline is full, or an upgrade is being decided on
    duplex,   // upgraded: the stream's owner reads
    stopped,  // nothing more is understood: an error, or the last request was read
  };

  void wait_readable();
  void on_readable();
  void take_input();
  // Each takes what it can off the front of `rest`; false when it needs more or must not go on.
  bool take_head(std::string_view& rest);
  bool take_body(std::string_view& rest);
  bool take_chunked(std::string_view& rest);
  void begin_request(RequestHead head);
  void begin_body(Http1Exchange& exchange);
  bool take_duplex(std::string_view& rest);
  void let_go_of_requests(const Http1Exchange& but);
  bool take_room(Http1Exchange& exchange, size_t bytes);
  void end_body();
  void refuse(HttpRefusal refusal);
  bool may_answer_more() const { return out_.size() <= kAnswersBytesMax && stream_ == nullptr; }
  bool is_last_answer() const;
  void append_ready_answers();
  void look_at_next();
  void send_continue();
  void on_writable();
  void all_sent();
  void set_deadline(std::chrono::seconds from_now) { deadline_ = loop_.now() + from_now; }

  boost::asio::ip::tcp::socket socket_;
  int descriptor_;
  HttpService& service_;
  std::string in_;   // read, not yet understood; its memory goes when it is empty
  std::string out_;  // answers to be sent
  std::vector<std::shared_ptr<Http1Exchange>> pending_;  // in the order of their requests
  std::unique_ptr<ChunkedDecoder> chunked_;
  std::unique_ptr<Http1Stream> stream_;
  uint64_t body_left_ = 0;
  uint64_t body_bytes_ = 0;
  MonotonicTime deadline_{};
  MonotonicTime write_deadline_{};
  MonotonicTime body_began_{};
  MonotonicTime paused_at_{};
  size_t head_searched_ = 0;
  uint64_t requests_ = 0;
  Reading reading_ = Reading::head;
  Reading resumes_as_ = Reading::head;
  bool reading_waits_ = false;
  bool writing_waits_ = false;
  bool close_when_sent_ = false;
  bool continue_owed_ = false;  // 100, once the answers before it have left
  bool lingering_ = false;      // sent all, waiting for the peer to close
  bool dirty_ = false;
  bool taking_ = false;
  bool peer_done_ = false;  // it sent its end
  bool draining_ = false;
  bool closed_ = false;
  std::string end_reason_ = "closed";
};

}  // namespace carillon
