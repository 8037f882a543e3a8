// SPDX-License-Identifier: MIT
#include "base/digest.hpp"

#include <numeric>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

std::span<const std::byte> octets(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a SHA-256 fed in pieces is that of the whole, also after a move") {
  Sha256Stream stream;
  stream.update(octets("a"));
  Sha256Stream moved = std::move(stream);
  moved.update(octets("bc"));
  CHECK(moved.finish() == sha256("abc"));
  CHECK(sha256({octets("a"), octets(""), octets("bc")}) == sha256("abc"));
}

TEST_CASE("CRC-32C gives the values of RFC 3720 appendix B.4") {
  std::vector<std::byte> bytes(32, std::byte{0});
  CHECK(crc32c(bytes) == 0x8a9136aau);
  bytes.assign(32, std::byte{0xff});
  CHECK(crc32c(bytes) == 0x62a8ab43u);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
  CHECK(crc32c(bytes) == 0x46dd794eu);
  CHECK(crc32c(octets("123456789")) == 0xe3069283u);
}

TEST_CASE("a CRC-32C continues from a seed") { CHECK(crc32c(octets("6789"), crc32c(octets("12345"))) == crc32c(octets("123456789"))); }

TEST_CASE("a CRC-32C is the same with and without the processor's instruction, at every length and place") {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < 80; ++i) bytes.push_back(static_cast<std::byte>((i * 151 + 7) & 0xff));
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const auto part = std::span<const std::byte>(bytes).subspan(from, size);
      REQUIRE(crc32c_by_tables(part, 0x1234abcdu) == crc32c(part, 0x1234abcdu));
    }
  }
  CHECK(crc32c_by_tables(octets("123456789")) == 0xe3069283u);
}

TEST_CASE("a content id has 26 base32 digits and depends on where its parts end") {
  const std::string id = content_id({"ab", "c"});
  CHECK(id.size() == 26);
  CHECK(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567") == std::string::npos);
  CHECK(id == content_id({"ab", "c"}));
  CHECK(id != content_id({"a", "bc"}));
  CHECK(id != content_id({"abc"}));
  CHECK(id != content_id({"ab", "c", ""}));
}

TEST_CASE("a content id is the base32 of the digest over lengths and parts") {
  // SHA-256 of nothing at all begins e3b0c44298...; its base32 by RFC 4648 begins 4oymiquy7q.
  CHECK(content_id({}).substr(0, 10) == "4oymiquy7q");
}

TEST_CASE("random ids are 32 hex digits and do not repeat") {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_id();
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    ids.insert(id);
  }
  CHECK(ids.size() == 1000);
  CHECK(random_u64() != random_u64());
}

}  // namespace
}  // namespace kanhu
