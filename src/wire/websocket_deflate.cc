#include "wire/websocket_deflate.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "base/text.h"
#include "wire/http_token.h"

namespace carillon {

namespace {

constexpr std::string_view kExtension = "permessage-deflate";
// What a flush ends with; left out on the wire (RFC 7692 section 7.2.1).
constexpr std::string_view kFlushTail("\x00\x00\xff\xff", 4);
constexpr int kMemoryLevel = 8;
constexpr int kBetweenBlocks = 128;  // in data_type, as inflate() leaves it

struct Parameter {
  std::string name;
  std::optional<std::string> value;
};
struct Offer {
  std::string name;
  std::vector<Parameter> parameters;
};

// Takes apart `a; b=c; d="e", f`.
class ExtensionList {
 public:
  explicit ExtensionList(std::string_view text) : rest_(text) {}

  // False: not well-formed.
  bool parse(std::vector<Offer>& offers) {
    for (;;) {
      skip_blanks();
      if (take(',')) continue;  // an empty item of a list is nothing
      if (rest_.empty()) return true;
      if (!parse_offer(offers.emplace_back())) return false;
      skip_blanks();
      if (!rest_.empty() && rest_.front() != ',') return false;
    }
  }

 private:
  bool parse_offer(Offer& offer) {
    offer.name = token();
    if (offer.name.empty()) return false;
    for (skip_blanks(); take(';'); skip_blanks()) {
      skip_blanks();
      Parameter parameter{.name = token(), .value = {}};
      if (parameter.name.empty()) return false;
      skip_blanks();
      if (take('=')) {
        skip_blanks();
        const bool quoted = take('"');
        parameter.value = token();  // quoted or not it must be a token (RFC 6455 section 9.1)
        if (parameter.value->empty() || (quoted && !take('"'))) return false;
      }
      offer.parameters.push_back(std::move(parameter));
    }
    return true;
  }

  std::string token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    std::string taken(rest_.begin(), end);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

// 8 to 15, without a leading zero.
std::optional<int> window_bits(const std::string& text) {
  const auto bits = parse_decimal(text);
  const bool good = bits && *bits >= 8 && *bits <= 15 && text.front() != '0';
  return good ? std::optional(static_cast<int>(*bits)) : std::nullopt;
}

// False: the offer must be declined.
bool take_parameter(const Parameter& parameter, DeflateAgreement& agreement) {
  const bool valued = parameter.value.has_value();
  if (parameter.name == "server_no_context_takeover" ||
      parameter.name == "client_no_context_takeover")
    return !valued;
  if (parameter.name == "client_max_window_bits")
    return !valued || window_bits(*parameter.value).has_value();
  if (parameter.name != "server_max_window_bits" || !valued) return false;
  const auto bits = window_bits(*parameter.value);
  if (!bits || *bits < kDeflateBitsMin) return false;
  agreement.hub_bits = *bits;
  agreement.hub_bits_asked = true;
  return true;
}

std::optional<DeflateAgreement> meet(const Offer& offer) {
  if (!equals_ignoring_case(offer.name, kExtension)) return std::nullopt;
  DeflateAgreement agreement;
  for (auto at = offer.parameters.begin(); at != offer.parameters.end(); ++at) {
    const bool repeated = std::ranges::count(offer.parameters, at->name, &Parameter::name) > 1;
    if (repeated || !take_parameter(*at, agreement)) return std::nullopt;
  }
  return agreement;
}

}  // namespace

std::string DeflateAgreement::text() const {
  auto out = fmt::format("{}; server_no_context_takeover; client_no_context_takeover", kExtension);
  if (hub_bits_asked)
    fmt::format_to(std::back_inserter(out), "; server_max_window_bits={}", hub_bits);
  return out;
}

std::expected<std::optional<DeflateAgreement>, std::string> agree_on_deflate(
    const std::vector<std::string_view>& fields) {
  std::vector<Offer> offers;
  for (const auto field : fields) {
    if (!ExtensionList(field).parse(offers))
      return std::unexpected(fmt::format("'{}' is no list of extensions", field));
  }
  for (const Offer& offer : offers) {
    if (const auto agreement = meet(offer)) return agreement;
  }
  return std::nullopt;
}

Deflater::Deflater(int bits) : stream_(std::make_unique<z_stream>()) {
  CHECK(bits >= kDeflateBitsMin && bits <= kDeflateBitsMax);
  const int began = ::deflateInit2(stream_.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, -bits,
                                   kMemoryLevel, Z_DEFAULT_STRATEGY);
  CHECK(began == Z_OK);
}

Deflater::~Deflater() { ::deflateEnd(stream_.get()); }

void Deflater::append(std::string& out, std::string_view message) {
  std::array<char, 16 * 1024> block;
  CHECK(::deflateReset(stream_.get()) == Z_OK);
  stream_->next_in = std::bit_cast<const Bytef*>(message.data());
  stream_->avail_in = static_cast<uInt>(message.size());
  do {
    stream_->next_out = std::bit_cast<Bytef*>(block.data());
    stream_->avail_out = block.size();
    const int made = ::deflate(stream_.get(), Z_SYNC_FLUSH);
    CHECK(made == Z_OK || made == Z_BUF_ERROR);
    out.append(block.data(), block.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  CHECK(out.ends_with(kFlushTail));
  out.resize(out.size() - kFlushTail.size());
}

Inflater::Inflater() : stream_(std::make_unique<z_stream>()) {
  // The largest window reads what any smaller one wrote.
  CHECK(::inflateInit2(stream_.get(), -kDeflateBitsMax) == Z_OK);
}

Inflater::~Inflater() { ::inflateEnd(stream_.get()); }

Inflater::State Inflater::feed(std::string_view bytes, std::string& out, size_t bytes_max) {
  std::array<char, 16 * 1024> block;
  stream_->next_in = std::bit_cast<const Bytef*>(bytes.data());
  stream_->avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    stream_->next_out = std::bit_cast<Bytef*>(block.data());
    stream_->avail_out = block.size();
    const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) return State::broken;
    const size_t made = block.size() - stream_->avail_out;
    if (made > bytes_max - out.size()) return State::too_large;
    out.append(block.data(), made);
    if (result == Z_STREAM_END) {
      // A final block ends a DEFLATE stream, not the message (section 7.2.3.4).
      CHECK(::inflateReset(stream_.get()) == Z_OK);
      if (stream_->avail_in > 0) continue;
      return State::good;
    }
    if (stream_->avail_out > 0) return State::good;
  }
}

Inflater::State Inflater::finish(std::string& out, size_t bytes_max) {
  // Nothing is open: an empty payload, or one that ends right behind a final block.
  if (stream_->total_in == 0) return State::good;
  const State state = feed(kFlushTail, out, bytes_max);
  // Put back, the tail ends a block (section 7.2.2). Where it does not, the stream was cut short,
  // and the tail was read as symbols that nobody sent.
  const bool cut_short = (stream_->data_type & kBetweenBlocks) == 0;
  return state == State::good && cut_short ? State::broken : state;
}

}  // namespace carillon
