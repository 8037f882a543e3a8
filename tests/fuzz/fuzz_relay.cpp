// Any datagram from a worker: refused, or a message that survives being written and read again.
#include <cstdlib>
#include <string_view>

#include "pipelines/relay/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kanhu::relay;
  const auto message = decode(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!message) return 0;
  const auto again = decode(encode(*message));
  if (!again || again->index() != message->index()) std::abort();
  return 0;
}
