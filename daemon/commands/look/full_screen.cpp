// SPDX-License-Identifier: MIT
#include "daemon/commands/look/full_screen.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace kanhu {
namespace {

volatile std::sig_atomic_t leave_screen = 0;
volatile std::sig_atomic_t screen_resized = 0;

void on_signal(int signal, void (*act)(int)) {
  struct sigaction action {};
  action.sa_handler = act;
  // Without SA_RESTART: poll shall end.
  sigaction(signal, &action, nullptr);
}

void write_whole(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

WatchScreen::WatchScreen() {
  const char* kind = std::getenv("TERM");
  terminal_ = ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && *kind != '\0' && std::string_view(kind) != "dumb";
  leave_screen = 0;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) on_signal(signal, [](int) { leave_screen = 1; });
  if (!terminal_) return;
  on_signal(SIGWINCH, [](int) { screen_resized = 1; });
  if (::tcgetattr(STDIN_FILENO, &before_) == 0) {
    keys_ = true;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  // Alternate screen, no cursor, no wrapping of long lines.
  write_whole("\033[?1049h\033[?25l\033[?7l");
}

WatchScreen::~WatchScreen() {
  if (terminal_) write_whole("\033[0m\033[?7h\033[?25h\033[?1049l");
  if (keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) on_signal(signal, SIG_DFL);
}

void WatchScreen::draw(const std::vector<std::string>& lines) {
  std::string text;
  if (!terminal_) {
    for (const std::string& line : lines) text += line + "\n";
  } else {
    // Synchronized output (mode 2026): terminals that know it show the whole picture at once, the others ignore it. Nothing is cleared
    // before it is drawn over.
    text = "\033[?2026h\033[H";
    for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i] + "\033[K";
    text += "\033[J\033[?2026l";
  }
  write_whole(text);
}

bool WatchScreen::wait(std::chrono::milliseconds span) {
  const auto until = std::chrono::steady_clock::now() + span;
  while (!leave_screen && std::ferror(stdout) == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    pollfd keys{keys_ ? STDIN_FILENO : -1, POLLIN, 0};
    const int ready = ::poll(&keys, 1, static_cast<int>(left.count()));
    if (screen_resized) {
      screen_resized = 0;
      return !leave_screen;
    }
    if (ready <= 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) {
      keys_ = false;  // hung up: no more keys come
    } else if (key == 'q' || key == 'Q') {
      return false;
    }
  }
  return false;
}

}  // namespace kanhu
