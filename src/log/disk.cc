#include "log/disk.h"

namespace carillon {

Result<std::string> read_exactly(const File& file, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  TRY(const size_t got, file.read_at(offset, bytes.data(), count));
  if (got != count)
    return fail(Errc::corrupt, "the file ends at byte {}, {} more were expected", offset + got,
                count - got);
  return bytes;
}

Result<std::string> read_whole(const File& file, size_t bytes_max) {
  TRY(const uint64_t size, file.size());
  if (size > bytes_max)
    return fail(Errc::too_large, "the file has {} bytes; at most {} are read", size, bytes_max);
  return read_exactly(file, 0, size);
}

}  // namespace carillon
