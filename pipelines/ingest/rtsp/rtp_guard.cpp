// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/rtp_guard.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/fault.hpp"
#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::size_t kMostSenders = 8;
constexpr std::uint64_t kMostOutOfOrder = 4 * kMostAccessUnitBytes;  // far beyond what comes within its latency

std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = at; i < at + 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return word;
}

// Called with each buffer's bytes and where they end in a file; false: the buffer goes no further.
using Judge = std::function<bool(std::span<const std::byte>, std::uint64_t end)>;

bool passes(GstBuffer* buffer, std::uint64_t end, const Judge& judge) {
  const MappedBuffer mapped(buffer);
  return judge(mapped.view(), end);
}

GstPadProbeReturn judged(GstPadProbeInfo* info, const Judge& judge) {
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    if (buffer == nullptr) return GST_PAD_PROBE_OK;
    const bool pulled = (info->type & GST_PAD_PROBE_TYPE_PULL) != 0;
    const std::uint64_t end = pulled ? info->offset + gst_buffer_get_size(buffer) : 0;
    return passes(buffer, end, judge) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  }
  GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
  info->data = list;
  for (guint i = gst_buffer_list_length(list); i-- > 0;)
    if (!passes(gst_buffer_list_get(list, i), 0, judge)) gst_buffer_list_remove(list, i, 1);
  return GST_PAD_PROBE_OK;
}

// What cannot be judged does not pass.
GstPadProbeReturn judge_buffers(GstPad*, GstPadProbeInfo* info, gpointer data) {
  GstPadProbeReturn verdict = GST_PAD_PROBE_DROP;
  (void)faults::contained("ingest", [&] { verdict = judged(info, *static_cast<Judge*>(data)); });
  return verdict;
}

void put_judge(GstPad* pad, Judge judge) {
  gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), judge_buffers,
                    new Judge(std::move(judge)), [](gpointer held) { delete static_cast<Judge*>(held); });
}

// RTP and RTCP come on threads of their own.
struct Senders {
  explicit Senders(IntakePtr of) : intake(std::move(of)) {}
  const IntakePtr intake;
  std::mutex mutex;
  KnownSenders known;
};

void pad_made(GstElement*, GstPad* pad, gpointer data) {
  const auto& senders = *static_cast<std::shared_ptr<Senders>*>(data);
  const std::string_view name = GST_PAD_NAME(pad);
  if (name.starts_with("recv_rtp_sink")) {
    put_judge(pad, [senders](std::span<const std::byte> packet, std::uint64_t) {
      senders->intake->signs.rtp_came = true;
      std::scoped_lock lock(senders->mutex);
      return senders->known.takes_rtp(packet);
    });
  } else if (name.starts_with("recv_rtcp_sink")) {
    put_judge(pad, [senders](std::span<const std::byte> packet, std::uint64_t) {
      std::scoped_lock lock(senders->mutex);
      return senders->known.takes_rtcp(packet);
    });
  }
}

}  // namespace

bool KnownSenders::knows(std::uint32_t sender) {
  if (std::find(senders_.begin(), senders_.end(), sender) != senders_.end()) return true;
  if (senders_.size() >= kMostSenders) return false;
  senders_.push_back(sender);
  return true;
}

bool KnownSenders::takes_rtp(std::span<const std::byte> packet) { return packet.size() >= 12 && knows(word_at(packet, 8)); }

bool KnownSenders::takes_rtcp(std::span<const std::byte> packet) {
  if (packet.size() < 8) return false;
  // One packet of the compound behind the other (RFC 3550, 6.1); a length that does not fit ends it, as for rtpsession.
  for (std::size_t at = 0; at + 8 <= packet.size();) {
    if (!knows(word_at(packet, at + 4))) return false;
    at += 4 * (std::size_t{1} + (word_at(packet, at) & 0xffff));
  }
  return true;
}

void guard_senders(GstElement* manager, const IntakePtr& intake) {
  g_object_set(manager, "max-streams", static_cast<guint>(kMostSenders), nullptr);
  g_signal_connect_data(
      manager, "pad-added", G_CALLBACK(pad_made), new std::shared_ptr<Senders>(std::make_shared<Senders>(intake)),
      [](gpointer data, GClosure*) { delete static_cast<std::shared_ptr<Senders>*>(data); }, static_cast<GConnectFlags>(0));
}

void guard_jitter_buffer(GstElement* buffer, const IntakePtr& intake) {
  const auto held = std::make_shared<std::atomic<std::uint64_t>>(0);
  const GstPtr<GstPad> in(gst_element_get_static_pad(buffer, "sink"));
  const GstPtr<GstPad> out(gst_element_get_static_pad(buffer, "src"));
  if (!in || !out) return;
  put_judge(out.get(), [held](std::span<const std::byte>, std::uint64_t) {
    *held = 0;
    return true;
  });
  put_judge(in.get(), [held, intake](std::span<const std::byte> packet, std::uint64_t) {
    *held += packet.size();
    if (*held <= kMostOutOfOrder) return true;
    intake->receiving_ended(
        {ErrorKind::kOversized, "packets come in an order that never completes; check the network, restart the camera"});
    return false;
  });
}

void guard_entry(GstPad* entry, Codec codec, bool rtp, const IntakePtr& intake) {
  put_judge(entry, [codec, rtp, intake](std::span<const std::byte> bytes, std::uint64_t end) {
    auto why = rtp ? intake->bound.took_rtp(codec, bytes) : intake->bound.took(bytes.size(), end);
    if (!why) return true;
    intake->receiving_ended(std::move(*why));
    return false;
  });
}

}  // namespace kanhu::ingest
