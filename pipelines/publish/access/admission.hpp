// SPDX-License-Identifier: MIT
// Who gets in: CURVE on both sockets with the gateway's key, and the keys of an allow-list.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/allow_list.hpp"
#include "pipelines/publish/access/rights.hpp"

namespace kanhu::publish {

struct AdmissionStats {
  std::uint64_t admitted = 0;  // handshakes
  std::uint64_t refused = 0;
  std::size_t subscribers = 0;  // of the list in force
};

// Answers libzmq's question for every handshake (ZAP, RFC 27) on a thread of its own, `zap`, which is there before any socket is bound:
// CURVE without somebody who answers would let every key in. Whatever is not in the list, no more in it, or not understood is
// refused. The gateway's own key counts as a subscriber who sees everything: who may read the secret may ask (`kanhu status`).
// Outlives the sockets it stands before: they live in its context.
// Thread: any.
class Admission {
 public:
  // kInvalidArgument when `secret_key` is none.
  static Result<std::unique_ptr<Admission>> open(const Secret& secret_key, const AllowList& list, const Clock& clock);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // In force from now on, also for connections that stand: whose key is gone or has other rights is cut off within 2 s.
  void use(const AllowList& list);
  // Whose key this is now; nothing: nobody's, or expired.
  std::optional<Asker> asker(std::string_view key) const;
  const std::string& public_key() const;
  AdmissionStats stats() const;

  class Sockets;  // admission_sockets.hpp: for those behind it
  Sockets& sockets();

 private:
  class Zap;
  explicit Admission(std::unique_ptr<Zap> zap);

  const std::unique_ptr<Zap> zap_;
};

}  // namespace kanhu::publish
