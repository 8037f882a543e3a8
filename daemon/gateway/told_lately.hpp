// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/query/access_control.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// Gives what was asked for and journals it once in ten minutes for each user and thing, however many ask at once: the first one's access
// goes to the journal, and what is asked for before that is on disk waits for it, and is given or refused with it. At most 128 answers
// of 32 MiB wait so; one more is told to ask again. Remembers 4,096 accesses; beyond that one is told once more rather than not at all.
// Thread: any; does not wait. Replies come from who asks or from the journal's thread.
class ToldLately {
 public:
  ToldLately();
  // `footage`: what the answer shows, as AccessControl::give takes it. `thing`: a source, or a part of a clip.
  void give(AccessControl& access, const rules::Access& what, const std::vector<Footage>& footage, const std::string& thing,
            publish::Answer answer, const publish::Reply& reply);

 private:
  struct State;
  class Entry;
  const std::shared_ptr<State> state_;  // an access may be on its way to the disk still when this ends
};

}  // namespace kanhu
