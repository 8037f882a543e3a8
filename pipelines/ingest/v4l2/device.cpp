// SPDX-License-Identifier: MIT
#include "pipelines/ingest/v4l2/device.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::uint32_t kMostFormats = 64;
constexpr unsigned kVideoMajor = 81;  // Documentation/admin-guide/devices.txt

int ask(int fd, unsigned long request, void* about) {
  int answer = 0;
  do {
    answer = ::ioctl(fd, request, about);
  } while (answer != 0 && errno == EINTR);
  return answer;
}

// "YUYV"; what is no letter or digit shows as '?'.
std::string fourcc_name(std::uint32_t format) {
  std::string name;
  for (int i = 0; i < 4; ++i) {
    const char c = static_cast<char>(format >> (8 * i) & 0x7fu);
    name += c >= ' ' && c < 0x7f ? c : '?';
  }
  name.erase(name.find_last_not_of(' ') + 1);
  return name;
}

Result<void> check_open_device(const std::string& path, int fd) {
  v4l2_capability capability{};
  if (ask(fd, VIDIOC_QUERYCAP, &capability) != 0)
    return fail(ErrorKind::kUnsupported, fmt::format("{} is no video device", quoted(path, 300)));
  const std::uint32_t able = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? capability.device_caps : capability.capabilities;
  if ((able & V4L2_CAP_VIDEO_CAPTURE) == 0)
    return fail(ErrorKind::kUnsupported, fmt::format("{} captures no video; a camera often has several devices, try the next: v4l2-ctl "
                                                     "--list-devices",
                                                     quoted(path, 300)));
  std::vector<std::uint32_t> formats;
  for (std::uint32_t index = 0; index < kMostFormats; ++index) {
    v4l2_fmtdesc description{};
    description.index = index;
    description.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (ask(fd, VIDIOC_ENUM_FMT, &description) != 0) break;
    formats.push_back(description.pixelformat);
  }
  return check_v4l2_formats(path, formats);
}

}  // namespace

Error v4l2_open_error(const std::string& path, int error_number) {
  const std::string shown = quoted(path, 300);
  switch (error_number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {ErrorKind::kNotFound,
              fmt::format("{} is not there: the camera is unplugged, or has another name (v4l2-ctl --list-devices)", shown)};
    case EACCES:
    case EPERM:
      return {ErrorKind::kPermission,
              fmt::format("{} may not be opened: the user must be in the group video, and the service needs its drop-in "
                          "/etc/systemd/system/kanhu.service.d/v4l2.conf (see /usr/share/kanhu/v4l2.conf.example)",
                          shown)};
    case EBUSY:
      return {ErrorKind::kRefused, fmt::format("{} is in use by another program", shown)};
    default:
      return {ErrorKind::kIo, fmt::format("{}: {}", shown, std::strerror(error_number))};
  }
}

Result<void> check_v4l2_formats(const std::string& path, std::span<const std::uint32_t> formats) {
  if (std::find(formats.begin(), formats.end(), static_cast<std::uint32_t>(V4L2_PIX_FMT_Y16)) != formats.end()) return {};
  std::vector<std::string> names;
  for (const std::uint32_t format : formats) names.push_back(fourcc_name(format));
  return fail(ErrorKind::kUnsupported,
              fmt::format("{} offers no 16-bit counts (Y16), only {}: no radiometric camera, or its radiometric mode is off",
                          quoted(path, 300), names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "))));
}

Result<void> check_v4l2_device(const std::string& path) {
  // Opening alone does something to other devices: a watchdog begins to count.
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return tl::unexpected(v4l2_open_error(path, errno));
  if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != kVideoMajor)
    return fail(ErrorKind::kUnsupported, fmt::format("{} is no video device", quoted(path, 300)));
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return tl::unexpected(v4l2_open_error(path, errno));
  auto result = check_open_device(path, fd);
  ::close(fd);
  return result;
}

}  // namespace kanhu::ingest
