// SPDX-License-Identifier: MIT
#include "config/keys.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "base/digest.hpp"
#include "config/private_file.hpp"

using namespace kanhu;

namespace {

// A folder that goes with the test.
struct Folder {
  const std::string path = (std::filesystem::temp_directory_path() / ("kanhu-keys-" + random_id())).string();
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void put(const std::string& name, const std::string& content, mode_t mode = 0600) const {
    std::ofstream(path + "/" + name) << content;
    REQUIRE(::chmod((path + "/" + name).c_str(), mode) == 0);
  }
};

const std::string kDigits = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

}  // namespace

TEST_CASE("a key is made once, for its owner alone, and read back") {
  const Folder folder;
  const std::string dir = folder.path + "/secrets";
  REQUIRE(make_key("gallery-key", dir));
  struct stat status {};
  REQUIRE(::stat((dir + "/gallery-key").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(status.st_size == 65);
  const auto key = load_key("gallery-key", dir);
  REQUIRE(key);
  CHECK(key->reveal().size() == 32);
  const auto again = make_key("gallery-key", dir);
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::kInvalidArgument);
  CHECK(*load_key("gallery-key", dir) == *key);
  CHECK(std::distance(std::filesystem::directory_iterator(dir), {}) == 1);
  REQUIRE(make_key("another", dir));
  CHECK_FALSE(*load_key("another", dir) == *key);
}

TEST_CASE("a key's digits are its bytes in order, in either case, with or without a line end") {
  const Folder folder;
  for (const char* end : {"", "\n", "\r\n"}) {
    folder.put("k", kDigits + end);
    const auto key = load_key("k", folder.path);
    REQUIRE(key);
    for (std::size_t i = 0; i < 32; ++i) CHECK(key->reveal()[i] == static_cast<char>(i));
  }
}

TEST_CASE("what is no key is refused without being repeated") {
  const Folder folder;
  const auto refused = [&](const std::string& content, ErrorKind kind, mode_t mode = 0600) {
    folder.put("k", content, mode);
    const auto key = load_key("k", folder.path);
    REQUIRE_FALSE(key);
    CHECK(key.error().kind == kind);
    CHECK(key.error().message.find(folder.path + "/k") != std::string::npos);
    CHECK(key.error().message.find("0a0b") == std::string::npos);
  };
  refused("", ErrorKind::kInvalidArgument);
  refused(kDigits.substr(1), ErrorKind::kInvalidArgument);
  refused(kDigits + "0", ErrorKind::kInvalidArgument);
  refused(kDigits + "\n\n\n", ErrorKind::kInvalidArgument);
  refused(kDigits + std::string(1000, 'x'), ErrorKind::kInvalidArgument);
  refused("g" + kDigits.substr(1), ErrorKind::kInvalidArgument);
  refused(kDigits, ErrorKind::kPermission, 0644);
  refused(kDigits, ErrorKind::kPermission, 0640);
}

TEST_CASE("a key that is missing says how it is made, and a link is not followed") {
  const Folder folder;
  const auto missing = load_key("gallery-key", folder.path);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::kNotFound);
  CHECK(missing.error().message.find("kanhu gallery key") != std::string::npos);
  folder.put("real", kDigits);
  std::filesystem::create_symlink(folder.path + "/real", folder.path + "/linked");
  CHECK(load_key("linked", folder.path).error().kind == ErrorKind::kInvalidArgument);
  CHECK(load_key("../real", folder.path).error().kind == ErrorKind::kInvalidArgument);
}

TEST_CASE("a folder where a private file is to be made is told as one, and none is made for it") {
  const Folder folder;
  std::filesystem::create_directory(folder.path + "/there");
  for (const auto& [dir, name] : {std::pair("/new", ""), std::pair("/new", "."), std::pair("", "there")}) {
    const auto made = write_private(folder.path + dir, name, Secret("x"), Existing::kKeep);
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::kInvalidArgument);
    CHECK(made.error().message.find("is a folder; name a file in it") != std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(folder.path + "/new"));
}

TEST_CASE("the service manager's key goes first, whatever its mode") {
  const Folder folder, systemd;
  folder.put("k", kDigits);
  systemd.put("k", std::string(64, 'f'), 0440);
  REQUIRE(::setenv("CREDENTIALS_DIRECTORY", systemd.path.c_str(), 1) == 0);
  const auto key = load_key("k", folder.path);
  REQUIRE(::unsetenv("CREDENTIALS_DIRECTORY") == 0);
  REQUIRE(key);
  CHECK(key->reveal() == std::string(32, '\xff'));
  CHECK(load_key("k", folder.path)->reveal()[1] == 1);
}
