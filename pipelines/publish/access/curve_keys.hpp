// SPDX-License-Identifier: MIT
// Keys of CURVE (CurveZMQ, RFC 26): 32 bytes, written in Z85 (RFC 32) as 40 characters.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace kanhu::publish {

struct KeyPair {
  std::string public_key;
  Secret secret_key;
};
// kUnsupported when this libzmq was built without CURVE.
Result<KeyPair> make_key_pair();
// The pair whose secret half this is, perhaps with a line end behind it. kInvalidArgument when it is none; no message repeats it.
Result<KeyPair> key_pair_of(const Secret& secret_key);

// What a client needs to speak to a gateway that asks for keys.
struct ClientKeys {
  std::string server_key;  // the gateway's public half
  KeyPair own;
};

}  // namespace kanhu::publish
