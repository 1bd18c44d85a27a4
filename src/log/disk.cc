#include "log/disk.h"

namespace carillon {

namespace {

// Fills `bytes` from `offset` on.
Result<> fill(std::string& bytes, const File& file, uint64_t offset) {
  TRY(const size_t got, file.read_at(offset, bytes.data(), bytes.size()));
  if (got == bytes.size()) return {};
  return fail(Errc::corrupt, "the file ends at byte {}, {} more were expected", offset + got,
              bytes.size() - got);
}

}  // namespace

Result<std::string> read_exactly(const File& file, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  TRY(fill(bytes, file, offset));
  return bytes;
}

Result<> read_whole_into(std::string& bytes, const File& file, size_t bytes_max) {
  TRY(const uint64_t size, file.size());
  if (size > bytes_max)
    return fail(Errc::too_large, "the file has {} bytes; at most {} are read", size, bytes_max);
  bytes.resize(size);
  return fill(bytes, file, 0);
}

Result<std::string> read_whole(const File& file, size_t bytes_max) {
  std::string bytes;
  TRY(read_whole_into(bytes, file, bytes_max));
  return bytes;
}

}  // namespace carillon
