// SPDX-License-Identifier: MIT
// What is wrong with a configuration, and where.
#pragma once

#include <cstddef>
#include <string>

namespace kanhu {

// A place in the text; lines and columns count from 1, columns in characters. 0: the file as a whole.
struct Mark {
  int line = 0;
  int column = 0;
};

inline constexpr std::size_t kMostProblems = 100;  // of one file; what comes after them is not said

// One thing a person has to mend: what was found, what was expected. Never holds a password.
struct Problem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
};

// file:line:column: message
std::string to_string(const Problem& problem);

}  // namespace kanhu
