#include "wire/accept.h"

#include <charconv>

#include "base/text.h"

namespace carillon {

namespace {

struct Match {
  double quality = 0;
  int exactness = -1;  // 2: the type itself, 1: type/*, 0: */*
};

double quality_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const size_t semicolon = parameters.find(';');
    const auto parameter = trim(parameters.substr(0, semicolon));
    if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
      double quality = 0;
      const auto number = parameter.substr(2);
      const auto [end, error] =
          std::from_chars(number.data(), number.data() + number.size(), quality);
      return error == std::errc() && quality >= 0 && quality <= 1 ? quality : 0;
    }
    if (semicolon == std::string_view::npos) break;
    parameters = parameters.substr(semicolon + 1);
  }
  return 1;
}

int exactness(std::string_view range, std::string_view offer) {
  if (range == "*/*" || range == "*") return 0;
  if (equals_ignoring_case(range, offer)) return 2;
  const size_t slash = range.find('/');
  if (slash == std::string_view::npos || range.substr(slash + 1) != "*") return -1;
  return equals_ignoring_case(range.substr(0, slash + 1), offer.substr(0, slash + 1)) ? 1 : -1;
}

// The most exact range that names the offer says how much it is liked.
Match match(std::string_view accept, std::string_view offer) {
  Match best;
  while (!accept.empty()) {
    const size_t comma = accept.find(',');
    const auto item = accept.substr(0, comma);
    const size_t semicolon = item.find(';');
    const int exact = exactness(trim(item.substr(0, semicolon)), offer);
    if (exact > best.exactness) {
      best = {quality_of(semicolon == std::string_view::npos ? std::string_view()
                                                             : item.substr(semicolon + 1)),
              exact};
    }
    if (comma == std::string_view::npos) break;
    accept = accept.substr(comma + 1);
  }
  return best;
}

}  // namespace

std::optional<size_t> choose_media_type(std::string_view accept,
                                        std::span<const std::string_view> offers) {
  if (trim(accept).empty()) return offers.empty() ? std::nullopt : std::optional<size_t>(0);
  std::optional<size_t> chosen;
  Match best;
  for (size_t i = 0; i < offers.size(); ++i) {
    const Match found = match(accept, offers[i]);
    if (found.exactness < 0 || found.quality <= 0) continue;
    const bool better = !chosen || found.quality > best.quality ||
                        (found.quality == best.quality && found.exactness > best.exactness);
    if (!better) continue;
    chosen = i;
    best = found;
  }
  return chosen;
}

}  // namespace carillon
