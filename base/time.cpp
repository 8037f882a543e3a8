// SPDX-License-Identifier: MIT
#include "base/time.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace kanhu {

namespace {

// Reads text from the left; every step fails for good once one has failed.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int number(int digits, int least, int most) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (text_.empty() || text_.front() < '0' || text_.front() > '9') return refuse();
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return value < least || value > most ? refuse() : value;
  }

  // One of the characters; which one.
  char one_of(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) {
      refuse();
      return 0;
    }
    const char found = text_.front();
    text_.remove_prefix(1);
    return found;
  }

  // Up to 9 fraction digits as microseconds, rounded down.
  int fraction() {
    if (text_.empty() || text_.front() != '.') return 0;
    text_.remove_prefix(1);
    int digits = 0;
    int value = 0;
    for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; ++digits, text_.remove_prefix(1)) {
      if (digits < 6) value = value * 10 + (text_.front() - '0');
    }
    if (digits < 1 || digits > 9) return refuse();
    for (int i = digits; i < 6; ++i) value *= 10;
    return value;
  }

  bool good() const { return good_; }
  bool at_end() const { return text_.empty(); }

 private:
  int refuse() {
    good_ = false;
    return 0;
  }
  std::string_view text_;
  bool good_ = true;
};

}  // namespace

std::string format_utc(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

Result<WallTime> parse_utc(std::string_view text) {
  Reader reader(text);
  const std::chrono::year year(reader.number(4, 0, 9999));
  reader.one_of("-");
  const std::chrono::month month(static_cast<unsigned>(reader.number(2, 1, 12)));
  reader.one_of("-");
  const std::chrono::day day(static_cast<unsigned>(reader.number(2, 1, 31)));
  reader.one_of("Tt");
  const std::chrono::hours hours(reader.number(2, 0, 23));
  reader.one_of(":");
  const std::chrono::minutes minutes(reader.number(2, 0, 59));
  reader.one_of(":");
  const std::chrono::seconds seconds(reader.number(2, 0, 59));
  const std::chrono::microseconds fraction(reader.fraction());
  std::chrono::minutes offset(0);
  if (const char zone = reader.one_of("Zz+-"); zone == '+' || zone == '-') {
    offset = std::chrono::hours(reader.number(2, 0, 23));
    reader.one_of(":");
    offset += std::chrono::minutes(reader.number(2, 0, 59));
    if (zone == '-') offset = -offset;
  }
  const std::chrono::year_month_day date(year, month, day);
  if (!reader.good() || !reader.at_end() || !date.ok()) {
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} is not a time such as 2026-11-24T02:05:08Z or 2026-11-24T10:05:08.5+08:00", quoted(text)));
  }
  return WallTime(std::chrono::sys_days(date) + hours + minutes + seconds + fraction - offset);
}

}  // namespace kanhu
