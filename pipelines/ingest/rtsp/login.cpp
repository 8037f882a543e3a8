// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/login.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <glib.h>

#include "base/digest.hpp"
#include "base/guarded.hpp"
#include "base/text.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::size_t kMostChallenges = 16;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Reads one header from its beginning: `Digest realm="a, b", nonce="c", Basic realm="d"`.
class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : text_(text) {}

  void read(std::vector<Challenge>& into) {
    while (true) {
      skip(" \t,");
      const std::string_view word = take_until(" \t,=");
      if (word.empty()) {
        if (at_ >= text_.size()) return;
        ++at_;  // a stray '='
        continue;
      }
      skip(" \t");
      if (at_ < text_.size() && text_[at_] == '=') {
        ++at_;
        const std::string value = take_value();
        if (!into.empty() && open_) set(into.back(), lower_case(word), value);
        continue;
      }
      if (into.size() >= kMostChallenges) return;
      into.emplace_back().scheme = lower_case(word);
      open_ = true;
    }
  }

 private:
  void skip(std::string_view these) {
    while (at_ < text_.size() && these.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  std::string_view take_until(std::string_view these) {
    const auto end = std::min(text_.find_first_of(these, at_), text_.size());
    const auto word = text_.substr(at_, end - at_);
    at_ = end;
    return word;
  }
  // Between quotation marks as it stands there, a backslash and what it protects included.
  std::string take_value() {
    skip(" \t");
    if (at_ >= text_.size() || text_[at_] != '"') return std::string(take_until(" \t,"));
    const std::size_t from = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    const std::size_t end = std::min(at_, text_.size());
    at_ = std::min(end + 1, text_.size());  // the mark may be missing
    return std::string(text_.substr(from, end - from));
  }
  static void set(Challenge& challenge, const std::string& name, const std::string& value) {
    if (name == "realm") challenge.realm = value;
    if (name == "nonce") challenge.nonce = value;
    if (name == "opaque") challenge.opaque = value;
    if (name == "algorithm") challenge.algorithm = value;
    if (name == "stale") challenge.stale = lower_case(value) == "true";
    if (name == "qop") {
      std::string padded = "," + lower_case(value) + ",";
      padded.erase(std::remove(padded.begin(), padded.end(), ' '), padded.end());
      challenge.qop_auth = padded.find(",auth,") != std::string::npos;
      challenge.qop_other = !challenge.qop_auth && padded != ",,";
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool open_ = false;
};

struct Algorithm {
  GChecksumType checksum;
  bool session;
};
std::optional<Algorithm> algorithm_of(const Challenge& challenge) {
  const std::string name = lower_case(challenge.algorithm);
  if (name.empty() || name == "md5") return Algorithm{G_CHECKSUM_MD5, false};
  if (name == "md5-sess") return Algorithm{G_CHECKSUM_MD5, true};
  if (name == "sha-256" || name == "sha256") return Algorithm{G_CHECKSUM_SHA256, false};
  if (name == "sha-256-sess") return Algorithm{G_CHECKSUM_SHA256, true};
  return std::nullopt;
}

std::string hash(GChecksumType type, std::string_view text) {
  gchar* sum = g_compute_checksum_for_string(type, text.data(), static_cast<gssize>(text.size()));
  std::string hex = sum == nullptr ? "" : sum;
  g_free(sum);
  return hex;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string digest_answer(const Challenge& challenge, const Credential& credential, std::string_view method, std::string_view uri,
                          std::uint32_t use, const std::string& client_nonce) {
  const Algorithm algorithm = *algorithm_of(challenge);
  const auto h = [&](const std::string& text) { return hash(algorithm.checksum, text); };
  std::string secret = h(fmt::format("{}:{}:{}", credential.user, challenge.realm, credential.password.reveal()));
  if (algorithm.session) secret = h(fmt::format("{}:{}:{}", secret, challenge.nonce, client_nonce));
  const std::string asked = h(fmt::format("{}:{}", method, uri));
  const std::string count = fmt::format("{:08x}", use);
  const std::string response = challenge.qop_auth
                                   ? h(fmt::format("{}:{}:{}:{}:auth:{}", secret, challenge.nonce, count, client_nonce, asked))
                                   : h(fmt::format("{}:{}:{}", secret, challenge.nonce, asked));
  std::string answer = fmt::format(R"(Digest username="{}", realm="{}", nonce="{}", uri="{}", response="{}")", escaped(credential.user),
                                   challenge.realm, challenge.nonce, uri, response);
  if (!challenge.algorithm.empty()) answer += fmt::format(", algorithm={}", challenge.algorithm);
  if (!challenge.opaque.empty()) answer += fmt::format(R"(, opaque="{}")", challenge.opaque);
  if (challenge.qop_auth)
    answer += fmt::format(R"(, qop=auth, nc={}, cnonce="{}")", count, client_nonce);
  else if (algorithm.session)
    answer += fmt::format(R"(, cnonce="{}")", client_nonce);
  return answer;
}

std::string names_of(const std::vector<Challenge>& offered) {
  std::string names;
  for (const Challenge& one : offered) {
    if (!names.empty()) names += ", ";
    names += quoted(one.scheme + (one.algorithm.empty() ? "" : " by " + one.algorithm) + (one.qop_other ? " with auth-int" : ""), 60);
  }
  return names;
}

Error wrong_password() {
  return {ErrorKind::kUnauthorized,
          "wrong user or password, or the user may not view this stream; set the secret again (kanhu secret set)"};
}

// Cameras, by host and port, that offered better than Basic once. Never destroyed.
Guarded<std::set<std::string>>& places_with_better() {
  static auto* const places = new Guarded<std::set<std::string>>;
  return *places;
}

bool was_better_at(const std::string& place) {
  return places_with_better().with([&](const auto& places) { return places.contains(place); });
}

void remember_better_at(const std::string& place) {
  constexpr std::size_t kMostPlaces = 4096;
  if (place.empty()) return;
  places_with_better().with([&](auto& places) {
    if (places.size() < kMostPlaces) places.insert(place);
  });
}

}  // namespace

std::vector<Challenge> parse_challenges(const std::vector<std::string>& headers) {
  std::vector<Challenge> challenges;
  for (const std::string& header : headers) ChallengeReader(header).read(challenges);
  return challenges;
}

Login::Login(Credential credential, bool digest_only, std::string place, std::string client_nonce)
    : credential_(std::move(credential)),
      digest_only_(digest_only),
      place_(std::move(place)),
      client_nonce_(client_nonce.empty() ? random_id() : std::move(client_nonce)),
      better_offered_(was_better_at(place_)) {}

std::optional<std::string> Login::authorization(std::string_view method, std::string_view uri) {
  if (!chosen_ || credential_.empty()) return std::nullopt;
  if (chosen_->scheme != "basic") return digest_answer(*chosen_, credential_, method, uri, ++uses_, client_nonce_);
  const std::string pair = fmt::format("{}:{}", credential_.user, credential_.password.reveal());
  return "Basic " + to_base64(std::span(reinterpret_cast<const std::uint8_t*>(pair.data()), pair.size()));
}

std::optional<Error> Login::challenged(const std::vector<std::string>& headers, bool answered) {
  if (credential_.empty())
    return Error{ErrorKind::kNoCredential,
                 "the camera asks for a user and a password; name their secret under credential (kanhu secret set)"};
  const auto offered = parse_challenges(headers);
  if (answered) {
    const bool stale = std::any_of(offered.begin(), offered.end(), [](const Challenge& one) { return one.stale; });
    if ((!proven_ && !stale) || answered_again_) return wrong_password();
    answered_again_ = true;
  }
  return choose(offered);
}

std::optional<Error> Login::choose(const std::vector<Challenge>& offered) {
  const Challenge* best = nullptr;
  const Challenge* basic = nullptr;
  bool better = false;
  for (const Challenge& one : offered) {
    if (one.scheme == "basic") {
      basic = &one;
      continue;
    }
    better = true;
    const bool answerable = one.scheme == "digest" && !one.nonce.empty() && !one.qop_other;
    const auto algorithm = answerable ? algorithm_of(one) : std::nullopt;
    if (!algorithm) continue;
    if (best == nullptr || (algorithm->checksum == G_CHECKSUM_SHA256 && algorithm_of(*best)->checksum == G_CHECKSUM_MD5)) best = &one;
  }
  if (better) remember_better_at(place_);
  better_offered_ = better_offered_ || better;
  if (best == nullptr && basic != nullptr && !better_offered_) {
    if (digest_only_)
      return Error{
          ErrorKind::kUnsupported,
          "the camera takes the password only in the clear (Basic), which auth: digest forbids; choose digest in the camera's RTSP "
          "settings"};
    best = basic;
  }
  if (best == nullptr && basic != nullptr && !better)
    return Error{ErrorKind::kUnsupported,
                 "the camera asked for a better login before and now takes the password only in the clear (Basic), so it was not told; "
                 "choose digest again in its RTSP settings, or restart Kanhu if Basic is meant"};
  if (best == nullptr)
    return Error{ErrorKind::kUnsupported,
                 fmt::format("the camera asks for a login that is not supported ({}); choose digest (MD5 or SHA-256) in its RTSP settings",
                             offered.empty() ? "it names none" : names_of(offered))};
  chosen_ = *best;
  uses_ = 0;
  return std::nullopt;
}

void Login::accepted() {
  if (chosen_) proven_ = true;
  answered_again_ = false;
}

}  // namespace kanhu::ingest
