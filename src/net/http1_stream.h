// The endless answer of an HTTP/1.1 connection.
#pragma once

#include <memory>
#include <string>

#include "net/exchange.h"

namespace carillon {

class Http1Connection;

// Owned by its connection, which from now on reads only to notice that the peer goes away, unless
// it was upgraded.
class Http1Stream : public StreamHandle, public Transport {
 public:
  Http1Stream(Http1Connection& connection, StreamFraming framing,
              std::unique_ptr<StreamOwner> owner)
      : connection_(connection), framing_(framing), owner_(std::move(owner)) {}
  Http1Stream(Http1Connection& connection, std::unique_ptr<DuplexOwner> owner)
      : connection_(connection),
        framing_(StreamFraming::plain),
        duplex_(owner.get()),
        owner_(std::move(owner)) {}

  Transport& transport() override { return *this; }
  StreamFraming framing() const override { return framing_; }
  Loop& loop() override;
  bool is_clear() const override;
  void wait_writable() override;
  void resume_reading() override;
  void end(std::string pending, std::string_view reason) override;
  void cut(std::string_view reason) override;
  uint64_t id() const override;
  std::string peer() const override;

  // Transport: the answer's head goes first.
  WriteResult write(std::span<const iovec> run) override;
  int plain_descriptor() const override;

  StreamOwner* owner() { return owner_.get(); }
  // Null: the peer is not listened to.
  DuplexOwner* duplex() { return duplex_; }
  std::string owner_description() const {
    return owner_ == nullptr ? description_ : owner_->describe();
  }
  // What the owner said of itself last stays.
  std::unique_ptr<StreamOwner> take_owner() {
    if (owner_ != nullptr) description_ = owner_->describe();
    duplex_ = nullptr;
    return std::move(owner_);
  }

 private:
  void let_owner_go();

  Http1Connection& connection_;
  StreamFraming framing_;
  DuplexOwner* duplex_ = nullptr;  // the owner, when it is one
  std::unique_ptr<StreamOwner> owner_;
  std::string description_;
};

}  // namespace carillon
