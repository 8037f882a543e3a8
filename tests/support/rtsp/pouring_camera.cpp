// SPDX-License-Identifier: MIT
#include "tests/support/rtsp/pouring_camera.hpp"

#include <array>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/rtsp/test_rtsp_server.hpp"

namespace kanhu::test {

PouringCamera::PouringCamera(Options options) : options_(std::move(options)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0)
    throw std::runtime_error("no port on loopback");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

PouringCamera::~PouringCamera() {
  closing_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  if (const int fd = talking_; fd >= 0) ::shutdown(fd, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string PouringCamera::url() const { return fmt::format("rtsp://127.0.0.1:{}/cam", port_); }

std::vector<std::string> PouringCamera::requests() const {
  std::scoped_lock lock(mutex_);
  return requests_;
}

bool PouringCamera::wait_for(std::string_view method) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < until) {
    for (const std::string& request : requests())
      if (request.starts_with(method)) return true;
    std::this_thread::yield();
    ::poll(nullptr, 0, 20);
  }
  return false;
}

void PouringCamera::serve() {
  while (!closing_) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    talking_ = fd;
    if (!closing_) talk(fd);
    talking_ = -1;
    ::close(fd);
  }
}

bool PouringCamera::answer_one(int fd, std::string& heard, bool& plays) {
  // What the viewer reports over interleaved frames is passed over.
  while (heard.size() >= 4 && heard.front() == '$') {
    const std::size_t length = 4 + (static_cast<unsigned char>(heard[2]) << 8 | static_cast<unsigned char>(heard[3]));
    if (heard.size() < length) return true;
    heard.erase(0, length);
  }
  const auto end = heard.find("\r\n\r\n");
  if (heard.empty() || heard.front() == '$' || end == std::string::npos) return true;
  const std::string request = heard.substr(0, end + 4);
  heard.erase(0, end + 4);
  {
    std::scoped_lock lock(mutex_);
    requests_.push_back(request);
  }
  std::string text = options_.answer(request);
  if (text.empty()) {
    const std::string session = fmt::format("Session: {}\r\n", options_.session);
    if (request.starts_with("OPTIONS")) {
      text = rtsp_answer(request, "200 OK", fmt::format("Public: {}\r\n", options_.methods));
    } else if (request.starts_with("DESCRIBE")) {
      text = rtsp_answer(request, "200 OK", "Content-Type: application/sdp\r\n", options_.sdp);
    } else if (request.starts_with("SETUP")) {
      text = rtsp_answer(request, "200 OK", session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    } else {
      text = rtsp_answer(request, "200 OK", session);
    }
  }
  plays = plays || request.starts_with("PLAY");
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) return false;
  return heard.find("\r\n\r\n") == std::string::npos || answer_one(fd, heard, plays);
}

void PouringCamera::talk(int fd) {
  std::string heard;
  std::array<char, 4096> chunk{};
  bool plays = false;
  std::chrono::milliseconds pause{0};
  for (int poured = 0;;) {
    pollfd ready{fd, POLLIN, 0};
    const int got = ::poll(&ready, 1, plays ? static_cast<int>(pause.count()) : -1);
    if (got > 0) {
      const auto bytes = ::recv(fd, chunk.data(), chunk.size(), 0);
      if (bytes <= 0) return;
      heard.append(chunk.data(), static_cast<std::size_t>(bytes));
      if (!answer_one(fd, heard, plays)) return;
      if (pause.count() > 0) continue;
    }
    if (!plays) continue;
    const Pour pour = options_.next(poured++);
    pause = pour.pause;
    for (std::size_t sent = 0; sent < pour.bytes.size();) {
      const auto now = ::send(fd, pour.bytes.data() + sent, pour.bytes.size() - sent, MSG_NOSIGNAL);
      if (now < 0) return;
      sent += static_cast<std::size_t>(now);
    }
    if (pour.hang_up) return;
  }
}

std::string sdp_of(std::string_view encoding, std::string_view more, std::string_view protocol) {
  const int type = encoding.starts_with("JPEG") ? 26 : 96;
  return fmt::format("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 {} {}\r\na=rtpmap:{} {}/90000\r\n{}a=control:track1\r\n",
                     protocol, type, type, encoding, more);
}

std::string rtp_frame(std::uint16_t sequence, std::uint32_t time, bool marker, std::string_view payload, int payload_type,
                      std::uint32_t sender) {
  std::string packet;
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) packet += static_cast<char>(value >> shift & 0xff);
  };
  put('$', 1);
  put(0, 1);
  put(static_cast<std::uint32_t>(12 + payload.size()), 2);
  put(0x80, 1);
  put(static_cast<std::uint32_t>(payload_type) | (marker ? 0x80u : 0u), 1);
  put(sequence, 2);
  put(time, 4);
  put(sender, 4);
  return packet.append(payload);
}

std::vector<std::string> nal_units(const std::string& byte_stream) {
  std::vector<std::string> units;
  const std::string code("\0\0\1", 3);
  for (auto at = byte_stream.find(code); at != std::string::npos;) {
    const auto next = byte_stream.find(code, at + 3);
    std::string unit = byte_stream.substr(at + 3, next == std::string::npos ? next : next - at - 3);
    while (!unit.empty() && unit.back() == '\0') unit.pop_back();
    units.push_back(std::move(unit));
    at = next;
  }
  return units;
}

}  // namespace kanhu::test
