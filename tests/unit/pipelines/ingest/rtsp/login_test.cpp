// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/login.hpp"

#include <catch2/catch.hpp>

#include "pipelines/ingest/rtsp/redirect.hpp"

using namespace kanhu;
using namespace kanhu::ingest;

namespace {

// RFC 7616, 3.9.1.
constexpr const char* kNonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
constexpr const char* kClientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

std::string rfc_challenge(const std::string& algorithm) {
  return std::string("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=") + algorithm + ", nonce=\"" + kNonce +
         "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
}

Login login_of(bool digest_only = false, const std::string& place = "") {
  return {{"Mufasa", Secret("Circle of Life")}, digest_only, place, kClientNonce};
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a digest is answered as RFC 7616 shows, by SHA-256 where the camera offers it") {
  SECTION("MD5 alone") {
    Login login = login_of();
    REQUIRE_FALSE(login.challenged({rfc_challenge("MD5")}, false));
    CHECK(holds(*login.authorization("GET", "/dir/index.html"), "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
  }
  SECTION("SHA-256 alone") {
    Login login = login_of();
    REQUIRE_FALSE(login.challenged({rfc_challenge("SHA-256")}, false));
    const auto answer = *login.authorization("GET", "/dir/index.html");
    CHECK(holds(answer, "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    CHECK(holds(answer, "nc=00000001"));
    CHECK(holds(*login.authorization("GET", "/dir/index.html"), "nc=00000002"));
  }
  SECTION("both, in one header or two") {
    const bool one = GENERATE(true, false);
    Login login = login_of();
    const auto headers = one ? std::vector<std::string>{rfc_challenge("MD5") + ", " + rfc_challenge("SHA-256")}
                             : std::vector<std::string>{rfc_challenge("SHA-256"), rfc_challenge("MD5")};
    REQUIRE_FALSE(login.challenged(headers, false));
    CHECK(holds(*login.authorization("GET", "/dir/index.html"), "753927fa"));
  }
}

TEST_CASE("Basic shows the password only where the camera has offered nothing better, and never where digest is asked for") {
  const std::string basic = "Basic realm=\"cam\"";
  SECTION("nothing better") {
    Login login = login_of();
    REQUIRE_FALSE(login.challenged({basic}, false));
    CHECK(*login.authorization("DESCRIBE", "rtsp://h/") == "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
  }
  SECTION("digest as well") {
    Login login = login_of();
    REQUIRE_FALSE(login.challenged({basic, rfc_challenge("MD5")}, false));
    CHECK(login.authorization("DESCRIBE", "rtsp://h/")->starts_with("Digest "));
  }
  SECTION("a digest we cannot make as well") {
    Login login = login_of();
    const auto why = login.challenged({basic, rfc_challenge("SHA-512-256")}, false);
    REQUIRE(why);
    CHECK(why->kind == ErrorKind::kUnsupported);
    CHECK(holds(why->message, "sha-512-256") != holds(why->message, "SHA-512-256"));
    CHECK_FALSE(login.authorization("DESCRIBE", "rtsp://h/"));
  }
  SECTION("digest first, Basic later in the same conversation") {
    Login login = login_of();
    REQUIRE_FALSE(login.challenged({rfc_challenge("MD5")}, false));
    login.accepted();
    CHECK(login.challenged({basic}, true));
  }
  SECTION("digest first, Basic alone in a later conversation with the same place") {
    Login first = login_of(false, "digest-first.example:554");
    REQUIRE_FALSE(first.challenged({rfc_challenge("MD5")}, false));
    first.accepted();
    Login later = login_of(false, "digest-first.example:554");
    const auto why = later.challenged({basic}, false);
    REQUIRE(why);
    CHECK(holds(why->message, "Basic"));
    CHECK_FALSE(later.authorization("DESCRIBE", "rtsp://h/"));
    Login elsewhere = login_of(false, "another.example:554");
    CHECK_FALSE(elsewhere.challenged({basic}, false));
  }
  SECTION("auth: digest") {
    Login login = login_of(true);
    const auto why = login.challenged({basic}, false);
    REQUIRE(why);
    CHECK(holds(why->message, "Basic"));
    CHECK_FALSE(login.authorization("DESCRIBE", "rtsp://h/"));
  }
}

TEST_CASE("a login that is not known is no wrong password") {
  const std::string header = GENERATE("Negotiate", "NTLM TlRMTVNTUAAB=", "Bearer realm=\"x\"", "", ",,,=\"", "Digest realm=\"no nonce\"",
                                      "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"");
  Login login = login_of();
  const auto why = login.challenged({header}, false);
  REQUIRE(why);
  CHECK(why->kind == ErrorKind::kUnsupported);
}

TEST_CASE("a password is shown once, and again only to a camera that took it before or calls the nonce stale") {
  Login login = login_of();
  REQUIRE_FALSE(login.challenged({rfc_challenge("MD5")}, false));
  SECTION("wrong") {
    const auto why = login.challenged({rfc_challenge("MD5")}, true);
    REQUIRE(why);
    CHECK(why->kind == ErrorKind::kUnauthorized);
    CHECK_FALSE(holds(why->message, "Circle"));
  }
  SECTION("a nonce for each request") {
    for (int request = 0; request < 3; ++request) {
      login.accepted();
      CHECK_FALSE(login.challenged({"Digest realm=\"r\", nonce=\"another\""}, true));
      CHECK(holds(*login.authorization("SETUP", "u"), "nonce=\"another\""));
    }
    CHECK(login.challenged({"Digest realm=\"r\", nonce=\"a third\""}, true));
  }
  SECTION("stale") {
    CHECK_FALSE(login.challenged({rfc_challenge("MD5") + ", stale=TRUE"}, true));
    CHECK(login.challenged({rfc_challenge("MD5") + ", stale=TRUE"}, true));
  }
}

TEST_CASE("a login that is cut off anywhere is read to its end") {
  const std::string whole = R"(Digest realm="a\"b, c", nonce="n", algorithm=SHA-256, qop="auth,auth-int", Basic realm="d")";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    INFO(whole.substr(0, length));
    CHECK(parse_challenges({whole.substr(0, length)}).size() <= 4);
  }
  for (const char* odd : {"Digest realm=\"a", "Basic realm=\"", "Digest realm=\"a\\", "Digest nonce=\"", "Digest \""})
    CHECK(parse_challenges({odd}).size() <= 2);
}

TEST_CASE("a host with a colon or a dot of its own is another place") {
  CHECK(place_of("rtsp://cam.:554/x") != place_of("rtsp://cam:554/x"));
  RedirectPath path("rtsp://cam/x", {});
  CHECK_FALSE(path.follow("rtsp://127.0.0.1:554:555/"));
  CHECK_FALSE(path.follow("rtsp://a]b/"));
}

TEST_CASE("a redirect path knows its places, counts and never goes in circles") {
  RedirectPath path("rtsp://Cam.example/one", {"other:8554", "[2001:db8::1]:554"});
  CHECK(path.trusted());
  SECTION("places") {
    CHECK(place_of("rtsp://CAM.example/x") == "cam.example:554");
    CHECK(place_of("rtsps://cam.example") == "cam.example:322");
    CHECK(place_of("rtsp://[2001:DB8::1]/x") == "[2001:db8::1]:554");  // so that it may be named under redirect_to
    CHECK(place_of("rtsp://[2001:DB8::1]/x") == place_of("[2001:db8::1]:554"));
    CHECK(place_of("rtsp://cam.example:554@evil/x") == "evil:554");
  }
  SECTION("the same host by another path is trusted, another port is not") {
    REQUIRE(path.follow("rtsp://cam.example:554/two"));
    CHECK(path.trusted());
    REQUIRE(path.follow("rtsp://cam.example:555/two"));
    CHECK_FALSE(path.trusted());
    REQUIRE(path.follow("RTSP://other:8554/three"));
    CHECK(path.trusted());
    const auto fourth = path.follow("rtsp://cam.example/four");
    REQUIRE_FALSE(fourth);
    CHECK(fourth.error().kind == ErrorKind::kRedirected);
  }
  SECTION("user and password inside are dropped, also those that look like a host") {
    REQUIRE(path.follow("rtsp://root:pw@cam.example:554@evil.example/x?q=1#f"));
    CHECK(path.url() == "rtsp://evil.example/x?q=1");
    CHECK_FALSE(path.trusted());
  }
  SECTION("a relative path stays at its host") {
    REQUIRE(path.follow("/live/2"));
    CHECK(path.url() == "rtsp://Cam.example/live/2");
  }
  SECTION("circles are named") {
    REQUIRE(path.follow("rtsp://b/"));
    const auto again = path.follow("rtsp://cam.example:554/one");
    REQUIRE_FALSE(again);
    CHECK(holds(again.error().message, "circle"));
  }
  SECTION("no step down from TLS") {
    REQUIRE(path.follow("rtsps://cam.example/one"));
    CHECK_FALSE(path.follow("rtsp://cam.example/two"));
  }
  SECTION("nothing but rtsp") {
    const std::string location =
        GENERATE("http://b/", "rtspu://b/", "rtsph://b/", "rtspt://b/", "file:///etc/passwd", "rtsp-sdp:///etc/passwd", "", "//b/x",
                 "rtsp://", "rtsp://@/", "rtsp://b:port/", "rtsp://b/x\r\nAuthorization: x", "rtsp://b c/");
    CAPTURE(location);
    const auto followed = path.follow(location);
    REQUIRE_FALSE(followed);
    CHECK(followed.error().kind == ErrorKind::kRedirected);
    CHECK(path.url() == "rtsp://Cam.example/one");
  }
}
