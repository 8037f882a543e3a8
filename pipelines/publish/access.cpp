#include "pipelines/publish/access.hpp"

#include <algorithm>

namespace kanhu::publish {

bool Rights::may(Right right) const { return every_right || std::find(rights.begin(), rights.end(), right) != rights.end(); }

bool Rights::sees(std::string_view facility) const {
  return std::any_of(facilities.begin(), facilities.end(), [&](const std::string& prefix) { return facility.starts_with(prefix); });
}

}  // namespace kanhu::publish
