#include "base/hash.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace carillon {

namespace {

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Digester::Digester() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex(as_context(context_), EVP_sha256(), nullptr) == 1);
}

Digester::~Digester() { EVP_MD_CTX_free(as_context(context_)); }

Digester& Digester::add(std::string_view part) {
  const uint64_t length = part.size();
  CHECK(EVP_DigestUpdate(as_context(context_), &length, sizeof length) == 1);
  CHECK(EVP_DigestUpdate(as_context(context_), part.data(), part.size()) == 1);
  return *this;
}

Digest Digester::finish() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> whole;
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(as_context(context_), whole.data(), &size) == 1);
  Digest digest;
  std::memcpy(digest.bytes.data(), whole.data(), digest.bytes.size());
  return digest;
}

std::string sha1(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
  return {digest.begin(), digest.begin() + size};
}

}  // namespace carillon
