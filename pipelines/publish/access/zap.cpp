// SPDX-License-Identifier: MIT
// The words of ZAP (RFC 27): pure functions, and what they set on sockets.
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "pipelines/publish/access/admission_sockets.hpp"

namespace kanhu::publish {
namespace {

constexpr const char* kKeyProperty = "X-Key";
// ZMQ_ZAP_ENFORCE_DOMAIN, which the header names in its draft part only; every libzmq since 4.3.0 knows it.
constexpr int kEnforceDomain = 93;
constexpr std::size_t kFixedFrames = 6;  // version, request id, domain, address, identity, mechanism; credentials follow
constexpr std::size_t kKeyBytes = 32;

// ZMTP's form of metadata: a length and a name, a length of four bytes and a value.
std::string key_property(const std::string& key) {
  const std::string_view name(kKeyProperty);
  std::string text(1, static_cast<char>(name.size()));
  text.append(name).append({'\0', '\0', '\0', static_cast<char>(key.size())}).append(key);
  return text;
}

std::string z85(const std::string& bytes) {
  std::array<char, kKeyBytes * 5 / 4 + 1> text{};
  ::zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(bytes.data()), kKeyBytes);
  return text.data();
}

}  // namespace

ZapAnswer answer_zap(const ZapFrames& request, const std::function<std::optional<std::string>(const std::string& key)>& admit) {
  const std::string id = request.size() > 1 ? request[1] : "";
  const auto refuse = [&](const char* code, std::string text, std::string who) {
    return ZapAnswer{{"1.0", id, code, std::move(text), "", ""}, false, std::move(who)};
  };
  if (request.size() < kFixedFrames || request[0] != "1.0") return refuse("500", "not a request of ZAP 1.0", "");
  const std::string &domain = request[2], &address = request[3], &mechanism = request[5];
  if (domain != kZapDomain) return refuse("400", "another domain", address);
  if (mechanism != "CURVE") return refuse("400", "only CURVE is allowed", fmt::format("{} without a key", address));
  if (request.size() != kFixedFrames + 1 || request.back().size() != kKeyBytes) return refuse("400", "no key of CURVE", address);
  const std::string key = z85(request.back());
  const std::string who = fmt::format("{} with key {}", address, key);
  const auto name = admit(key);
  // "Not now": the connection is closed without a word and tries again, so that a key may be let in later. After a 400 libzmq's client
  // gives up for ever.
  if (!name) return refuse("300", "this key is not in the allow-list", who);
  return {{"1.0", id, "200", "OK", *name, key_property(key)}, true, fmt::format("{} ({})", *name, address)};
}

void Admission::Sockets::guard(zmq::socket_t& server) const {
  server.set(zmq::sockopt::zap_domain, std::string(kZapDomain));
  const int enforce = 1;  // without an answer nobody gets in
  if (::zmq_setsockopt(server.handle(), kEnforceDomain, &enforce, sizeof enforce) != 0) throw zmq::error_t();
  server.set(zmq::sockopt::curve_server, true);
  server.set(zmq::sockopt::curve_secretkey, keys_.secret_key.reveal());
}

void set_client_keys(zmq::socket_t& client, const ClientKeys& keys) {
  client.set(zmq::sockopt::curve_serverkey, keys.server_key);
  client.set(zmq::sockopt::curve_publickey, keys.own.public_key);
  client.set(zmq::sockopt::curve_secretkey, keys.own.secret_key.reveal());
}

std::string_view key_of(zmq::message_t& message) {
  const char* key = ::zmq_msg_gets(message.handle(), kKeyProperty);
  return key == nullptr ? std::string_view() : key;
}

}  // namespace kanhu::publish
