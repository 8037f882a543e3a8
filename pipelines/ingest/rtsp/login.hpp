// SPDX-License-Identifier: MIT
// The answer to a camera that asks who is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu::ingest {

// One way to log in that a camera offers (RFC 2617 and RFC 7616, section 3.3).
struct Challenge {
  std::string scheme;  // lower case: "digest", "basic", or one we do not know
  std::string realm, nonce, opaque;
  std::string algorithm;  // as the camera writes it, empty when it names none
  bool qop_auth = false;
  bool qop_other = false;  // it wants the body signed (auth-int) and offers nothing else
  bool stale = false;
};

// Every challenge in the WWW-Authenticate headers of one answer, at most 16.
std::vector<Challenge> parse_challenges(const std::vector<std::string>& headers);

// Answers challenges with one user and password: Digest by SHA-256, else by MD5; Basic, which shows the password to the whole network,
// only when nothing better was ever offered at `place`, and never with `digest_only`.
// A password is shown once: cameras lock an account after five to seven wrong ones. One that was accepted before is shown again, once
// a request, to a camera that wants each answer made with a new nonce.
// Thread: confined to its owner.
class Login {
 public:
  // `place`: the camera's host and port. What it offers is remembered there for later conversations of this process, so that nobody on
  // the way who ends one of them is told the password in the next; empty: not remembered.
  // `client_nonce`: given by tests, else random.
  Login(Credential credential, bool digest_only, std::string place, std::string client_nonce = {});

  // A request is about to be sent: the value of its Authorization header, nothing while the camera has asked for none.
  std::optional<std::string> authorization(std::string_view method, std::string_view uri);
  // The camera answered 401 to a request that was `answered` with authorization(). Nothing: ask again, with the next authorization();
  // an Error: it is no use.
  std::optional<Error> challenged(const std::vector<std::string>& headers, bool answered);
  // It answered anything else.
  void accepted();

 private:
  std::optional<Error> choose(const std::vector<Challenge>& offered);

  Credential credential_;
  bool digest_only_;
  std::string place_;
  std::string client_nonce_;
  std::optional<Challenge> chosen_;
  std::uint32_t uses_ = 0;  // of the nonce
  bool proven_ = false;     // an answer of ours was accepted
  bool answered_again_ = false;
  bool better_offered_;
};

}  // namespace kanhu::ingest
