// SPDX-License-Identifier: MIT
// A socket's path is bound without taking anything away that is not a dead socket of this user.
#include "pipelines/publish/ipc_socket.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.hpp>

#include "base/descriptor.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/sockets.hpp"

namespace kanhu::publish {
namespace {

struct Folder {
  std::string path;
  Folder() : path((std::filesystem::temp_directory_path() / "kanhu-ipc-XXXXXX").string()) { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
  }
};

// A socket bound at `path`; nobody listens unless `listening`.
Descriptor bound(const std::string& path, bool listening) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  if (listening) REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

TEST_CASE("nothing but a dead socket of this user is taken away, and the refusal says what stands there") {
  const Folder folder;
  const std::string path = folder.path + "/live";
  const auto refused = [&](const char* fragment) {
    const auto looked = check_ipc_path(path);
    const auto made = IpcSocket::listen(path);
    REQUIRE_FALSE(looked);
    REQUIRE_FALSE(made);
    CHECK(looked.error().message == made.error().message);
    INFO(looked.error().message);
    CHECK(looked.error().message.find(fragment) != std::string::npos);
    CHECK(looked.error().kind == ErrorKind::kIo);
  };
  SECTION("a file keeps its content") {
    std::ofstream(path) << "precious";
    refused("no socket stands there");
    std::string text;
    std::ifstream(path) >> text;
    CHECK(text == "precious");
  }
  SECTION("an empty folder") {
    std::filesystem::create_directory(path);
    refused("no socket stands there");
    CHECK(std::filesystem::is_directory(path));
  }
  SECTION("a link, to a dead socket too") {
    { const Descriptor dead = bound(folder.path + "/dead", false); }
    std::filesystem::create_symlink(folder.path + "/dead", path);
    refused("no socket stands there");
    CHECK(std::filesystem::is_symlink(std::filesystem::symlink_status(path)));
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    refused("no socket stands there");
    CHECK(std::filesystem::is_fifo(path));
  }
  SECTION("a socket at which somebody listens") {
    const Descriptor alive = bound(path, true);
    refused("another program");
    CHECK(std::filesystem::exists(path));
  }
  SECTION("a socket of another user") {
    if (::geteuid() != 0) return;  // nobody else can be made
    { const Descriptor dead = bound(path, false); }
    REQUIRE(::lchown(path.c_str(), 65534, 65534) == 0);
    refused("another user");
  }
  SECTION("no folder") {
    std::filesystem::remove_all(folder.path);
    refused("is not there");
  }
}

TEST_CASE("a dead socket is replaced, and the file goes with the socket that made it") {
  const Folder folder;
  const std::string path = folder.path + "/live";
  { const Descriptor dead = bound(path, false); }
  REQUIRE(std::filesystem::exists(path));
  {
    auto made = IpcSocket::listen(path);
    REQUIRE(made);
    CHECK(std::filesystem::is_socket(path));
    CHECK(folder.files() == 1);            // nothing is left beside it
    CHECK_FALSE(IpcSocket::listen(path));  // it listens from the first moment
  }
  CHECK(folder.files() == 0);
  auto made = IpcSocket::listen(path);
  REQUIRE(made);
  std::filesystem::remove(path);
  std::ofstream(path) << "another's";
  *made = IpcSocket();
  CHECK(std::filesystem::is_regular_file(path));
}

TEST_CASE("a socket of ZeroMQ on a path, or on IPv6, is spoken to as on any other place") {
  const Folder folder;
  for (const std::string& endpoint : {"ipc://" + folder.path + "/" + std::string(107 - folder.path.size() - 1, 'x'),
                                      std::string("tcp://[::1]:0"), std::string("tcp://localhost:0"), std::string("tcp://*:0")}) {
    INFO(endpoint);
    zmq::context_t context(1);
    IpcSocket file;
    zmq::socket_t answers(context, zmq::socket_type::rep), asks(context, zmq::socket_type::req);
    for (zmq::socket_t* socket : {&answers, &asks}) socket->set(zmq::sockopt::linger, 0);
    const auto at = bind(answers, endpoint, "query", file);
    if (!at && endpoint.find('[') != std::string::npos) continue;  // no IPv6 on this machine
    REQUIRE(at);
    connect(asks, *at);
    (void)asks.send(zmq::str_buffer("hello"), zmq::send_flags::none);
    std::array<zmq::pollitem_t, 1> items{{{answers.handle(), 0, ZMQ_POLLIN, 0}}};
    REQUIRE(zmq::poll(items.data(), items.size(), std::chrono::seconds(10)) == 1);
    zmq::message_t got;
    CHECK(answers.recv(got));
    CHECK(got.to_string() == "hello");
  }
  CHECK(folder.files() == 0);
}

}  // namespace
}  // namespace kanhu::publish
