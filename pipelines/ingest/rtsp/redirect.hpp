// SPDX-License-Identifier: MIT
// Where a camera may send us, and who is told the password there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kanhu::ingest {

// The address of one stream and those its camera redirects to (RFC 2326, 11.3). Follows at most three redirects, to rtsp:// or rtsps://
// only, never from rtsps:// back to rtsp://, never twice to the same address. A user and password inside a redirect are dropped.
// Thread: confined to its owner.
class RedirectPath {
 public:
  // `named`: host:port of redirect targets that the configuration trusts with the password.
  RedirectPath(std::string url, std::vector<std::string> named);

  const std::string& url() const { return path_.back(); }
  // Where the camera has sent us, for words: `"host:port"`, and whether that is by TLS. Empty at the configured address.
  std::string sent_to() const;
  // May the user and password be shown at url()? Only at the configured host and port, and at those named.
  bool trusted() const;
  // Goes on to where the camera at url() sends us: absolute, or a path on the same host. An Error of kind kRedirected says why not.
  Result<void> follow(std::string_view location);

 private:
  std::vector<std::string> named_;
  std::vector<std::string> path_;  // as visited; never empty
};

// Words about what was met at sent_to(); as they are where that is empty.
std::string after_redirect(const std::string& sent_to, std::string words);

// "host:port" or "[IPv6]:port" in lower case, as compared and as the configuration takes it; the port is the scheme's own where the address
// names none. For an address or a bare host:port.
std::string place_of(std::string_view address);

}  // namespace kanhu::ingest
