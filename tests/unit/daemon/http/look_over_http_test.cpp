// SPDX-License-Identifier: MIT
// /look as a browser meets it: pages, JSON, headers, and who is refused.
#include <array>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/metrics_server.hpp"
#include "daemon/query/look_answer.hpp"
#include "tests/unit/daemon/query/infrared_rig.hpp"

namespace kanhu {
namespace {

using test::mono_at;

// A gateway's answers over a infrared, as the daemon composes them.
struct Site {
  Site() {
    infrared.use(config);
    infrared.observe(test::said("bed-1", test::warm_room()), mono_at(1));
    auto opened = MetricsServer::open(
        "127.0.0.1:0", [] { return Json(); }, [] { return true; },
        [this](const Json& request) -> Result<Json> {
          const auto source = request.find("source");
          if (source == request.end()) return Json{{"sources", look_list(config, infrared, mono_at(2))}};
          return look_at(config, infrared, source->get<std::string>(), mono_at(2)).map([](Json seen) {
            return Json{{"look", std::move(seen)}};
          });
        });
    if (!opened) throw std::runtime_error(opened.error().message);
    server = std::move(*opened);
  }

  // The whole answer, headers and body.
  std::string get(const std::string& path, const std::string& host = "localhost:9464") const {
    const std::string endpoint = server->endpoint();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    REQUIRE(::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    std::string answer;
    std::array<char, 4096> buffer{};
    // Until the server closes: it keeps no connection.
    for (ssize_t got = 0; (got = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0;)
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(socket);
    return answer;
  }

  Config config = test::infrared_config();
  InfraredState infrared;
  std::unique_ptr<MetricsServer> server;
};

TEST_CASE("the browser gets a list, a page a source and its JSON, none of which may be cached, framed or run anything foreign") {
  const Site site;
  CHECK_THAT(site.get("/look"), Catch::StartsWith("HTTP/1.1 200") && Catch::Contains("<a href=\"/look/bed-1\">station-a/bed-1</a>") &&
                                    Catch::Contains("一号床"));
  const std::string page = site.get("/look/bed-1");
  CHECK_THAT(page, Catch::StartsWith("HTTP/1.1 200") && Catch::Contains("Content-Security-Policy: default-src 'none';") &&
                       Catch::Contains("frame-ancestors 'none'") && Catch::Contains("Cache-Control: no-store") &&
                       Catch::Contains("<canvas"));
  const std::string answer = site.get("/look/bed-1.json");
  const auto body = parse_json(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4));
  REQUIRE(body);
  CHECK((*body)["warmest_c"] == 60.0);
  CHECK((*body)["age_s"] == 1.0);
}

TEST_CASE("a source that is none is not found in the browser either, whatever stands in the path") {
  const Site site;
  CHECK_THAT(site.get("/look/bed-2"), Catch::StartsWith("HTTP/1.1 404") && Catch::Contains("did you mean bed-1?"));
  CHECK_THAT(site.get("/look/lobby.json"), Catch::StartsWith("HTTP/1.1 404"));
  for (const char* path : {"/look/<script>", "/look/%3Cscript%3E", "/look/../metrics.json", "/look/bed-1/x", "/look/"}) {
    CAPTURE(path);
    CHECK_THAT(site.get(path), Catch::StartsWith("HTTP/1.1 404") && !Catch::Contains("script"));
  }
}

TEST_CASE("a page of another name that leads to loopback reads nothing") {
  const Site site;
  for (const char* path : {"/look", "/look/bed-1", "/look/bed-1.json", "/metrics"}) {
    CAPTURE(path);
    CHECK_THAT(site.get(path, "evil.example:9464"),
               Catch::StartsWith("HTTP/1.1 403") && !Catch::Contains("bed-1") && !Catch::Contains("kanhu_"));
  }
  for (const char* ours : {"127.0.0.1:9464", "[::1]:9464", "localhost"})
    CHECK_THAT(site.get("/metrics", ours), Catch::StartsWith("HTTP/1.1 200") && Catch::Contains("kanhu_build_info"));
  CHECK_THAT(site.get("/healthz", "evil.example"), Catch::StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace kanhu
