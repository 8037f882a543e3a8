// SPDX-License-Identifier: MIT
// What is said between rtspsrc and one camera.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gst/rtsp/gstrtspmessage.h>
#include <gst/sdp/gstsdpmessage.h>

#include "base/guarded.hpp"
#include "pipelines/ingest/intake.hpp"
#include "pipelines/ingest/rtsp/errors.hpp"
#include "pipelines/ingest/rtsp/extension.hpp"
#include "pipelines/ingest/rtsp/login.hpp"
#include "pipelines/ingest/rtsp/redirect.hpp"

namespace kanhu::ingest {

// One conversation with the host and port of one address. rtspsrc never learns the password: the Authorization header is made here, and
// only where `path` trusts the place. rtspsrc never follows a redirect: it is told that the request failed, and another conversation
// begins (has_moved). So whatever a camera answers, the password goes nowhere else.
// Thread: before_request, answered and requested from rtspsrc's task; the rest any.
class Dialogue final {
 public:
  using Path = std::shared_ptr<Guarded<RedirectPath>>;
  Dialogue(IntakePtr intake, Path path, const Credential& credential, bool digest_only);

  // rtspsrc is about to send. Makes the next answer on this thread come to `self`.
  static void before_request(const std::shared_ptr<Dialogue>& self, GstElement* source, GstRTSPMessage& request);
  void answered(const GstRTSPMessage& request, GstRTSPMessage& answer);
  // The camera's description of its streams. MJPEG by its static payload type gets the name that RFC 3551 gives it.
  void described(GstSDPMessage& sdp);
  // Does it give its video another clock rate than 90,000?
  bool has_odd_clock_rate() const;
  // Is the description's n-th stream encrypted (SRTP)?
  bool is_secret(unsigned stream) const;
  // The camera asks something of us.
  void requested(const GstRTSPMessage& request);

  // The run goes on elsewhere, or is over: nothing that still comes of this conversation matters.
  void close() { closed_ = true; }
  bool closed() const { return closed_; }
  bool has_moved() const { return moved_; }
  // For words about a failure.
  Talk talk() const;

  // A request is due that keeps the session alive (RFC 2326, 12.37): many cameras count requests only, and rtspsrc sends none while media
  // arrives over TCP. By GET_PARAMETER where the camera lists it, else by OPTIONS.
  // The first is due after 3 s, so that it is known early whether the camera takes it.
  bool wants_keep_alive(gint64 now_us);
  // The stream ended. A camera that hangs up on such a request, or answers what is no RTSP, is sent none in later runs of this process.
  void ended(ErrorKind why);
  KeepAlive keep_alive() const { return keep_alive_; }
  // Is this end of a stream, `now`, the camera's own time-out? Only where it does not take GET_PARAMETER.
  bool timed_out(ErrorKind why, gint64 now_us) const;

  const IntakePtr intake;
  const RtspAddress address;
  std::atomic<bool> video_offered{false};
  std::atomic<bool> stream_chosen{false};
  std::atomic<bool> diagnosing{false};
  std::mutex mutex;
  GstPtr<GstElement> jitter_buffer;  // of the one stream that is set up

 private:
  std::string place() const;  // what is remembered about the camera beyond this conversation is remembered by it
  void note_stage(GstRTSPMethod method);
  void take_answer(const GstRTSPMessage& request, GstRTSPMessage& answer);
  // The run ends for `why`, and rtspsrc takes the answer for a refusal: it asks no more.
  void give_up(GstRTSPMessage& answer, Error why);
  void unauthorized(GstRTSPMessage& answer, bool keeps_alive);
  void redirected(GstRTSPMessage& answer);
  void go_to(const std::string& location);
  void describe_answered(const GstRTSPMessage& answer);
  void options_answered(GstRTSPMessage& answer);
  void setup_answered(const GstRTSPMessage& request, GstRTSPMessage& answer);
  void keep_alive_answered(GstRTSPMessage& answer);

  struct Offer {
    std::string named;  // "video H264, audio PCMA"
    std::vector<bool> secret;
    bool encrypted = false;
    bool odd_clock_rate = false;
  };

  const Path path_;
  const bool has_credential_;
  const bool withheld_;  // there is a password, but not for this place
  std::atomic<bool> closed_{false};
  std::atomic<bool> asked_options_{false};
  std::atomic<bool> moved_{false};
  std::atomic<KeepAlive> keep_alive_{KeepAlive::kUnknown};
  std::atomic<gint64> last_request_us_{0};
  std::atomic<gint64> asked_us_{0};      // the request that keeps alive, last sent
  std::atomic<bool> unanswered_{false};  // and not answered
  std::atomic<gint64> played_us_{0};
  std::atomic<gint64> session_timeout_us_;
  std::atomic<gint64> keep_alive_every_us_;
  Guarded<Offer> offer_;
  // Only rtspsrc's task:
  Login login_;
  bool answers_challenge_ = false;  // the request that is under way
  int requests_ = 0;                // before PLAY is answered
  GstElement* source_ = nullptr;    // whose task is in before_request or answered
};

}  // namespace kanhu::ingest
