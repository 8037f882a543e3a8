// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <span>

#include "config/config.hpp"
#include "config/table/key.hpp"
#include "config/table/sections.hpp"

namespace kanhu::table {

namespace {

using namespace std::chrono_literals;
using Span = std::chrono::milliseconds;
using std::chrono::hours;

constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30, kTiB = 1ull << 40;
constexpr hours kYears{24 * 366 * 10};

template <class S>
using Int = Bounded<S, int>;
template <class S>
using Real = Bounded<S, double>;
template <class S>
using Time = Bounded<S, Span>;
template <class S>
using Age = Bounded<S, hours>;
template <class S>
using Bytes = Bounded<S, std::uint64_t>;

using G = GatewayConfig;
constexpr Key<G> kGateway[] = {
    {"sources_per_worker", "sources_per_worker", Int<G>{&G::sources_per_worker, 0, 64}, "cameras", Change::kRestart,
     "Cameras a worker process serves; 0: everything in one process."},
    {"analysis_threads", "analysis_threads", Int<G>{&G::analysis_threads, 0, 256}, "threads", Change::kRestart,
     "Analysis threads of a worker; 0: one a core."},
    {"worker_memory_bytes", "worker_memory_bytes", Bytes<G>{&G::worker_memory_bytes, 256 * kMiB, 64 * kGiB}, "", Change::kRestart,
     "Memory a worker may use before it is restarted."},
};

using P = PublishConfig;
constexpr Key<P> kPublish[] = {
    {"plain_tcp_beyond_loopback", "plain_tcp_beyond_loopback", Flag<P>{&P::plain_tcp_beyond_loopback}, "", Change::kRestart,
     "Without an allow-list, an address other machines reach is refused unless this is true."},
};

using J = JournalConfig;
constexpr Key<J> kJournal[] = {
    {"segment_bytes", "segment_bytes", Bytes<J>{&J::segment_bytes, kMiB, kGiB}, "", Change::kRestart, "Size of one file of the journal."},
    {"most_bytes", "most_bytes", Bytes<J>{&J::most_bytes, 8 * kMiB, kTiB}, "", Change::kRestart,
     "Whole files are dropped, oldest first, beyond this size, which is at least 4 segments."},
    {"most_age", "most_age_hours", Age<J>{&J::most_age, 1h, kYears}, "", Change::kRestart,
     "Whole files are dropped beyond this age, in whole hours."},
    {"commit_every", "commit_every_ms", Time<J>{&J::commit_every, 1ms, 500ms}, "", Change::kRestart,
     "Events of this long become durable together."},
    {"reserve_bytes", "reserve_bytes", Bytes<J>{&J::reserve_bytes, 0, kGiB}, "", Change::kRestart,
     "Space held free on the disk, so that alarms still become durable when it is full; 0: none."},
};

using St = StorageConfig;
constexpr Key<St> kStorage[] = {
    {"most_bytes", "most_bytes", Bytes<St>{&St::most_bytes, 64 * kMiB, 512 * kTiB}, "", Change::kLive,
     "Oldest clips are dropped beyond this size."},
    {"most_age", "most_age_hours", Age<St>{&St::most_age, 1h, kYears}, "", Change::kLive,
     "Clips are dropped beyond this age, in whole hours."},
};

using D = DetectorConfig;
constexpr Key<D> kDetector[] = {
    {"score_min", "score_min", Real<D>{&D::score_min, 0, 1}, "score", Change::kSession, "A detection below this score does not count."},
    {"fps", "fps", Real<D>{&D::frames_per_second, 0.1, 60}, "1/s", Change::kSession, "Pictures analysed a second at most."},
    {"smallest_px", "smallest_px", Real<D>{&D::smallest_px, 4, 2000}, "px", Change::kSession,
     "Smallest face width or warm blob, in pixels of the analysed stream."},
};

using Pr = PresenceConfig;
constexpr Key<Pr> kPresence[] = {
    {"enter_after", "enter_after_ms", Time<Pr>{&Pr::enter_after, 0s, 60s}, "", Change::kSession, "Seen this long before present."},
    {"leave_after", "leave_after_ms", Time<Pr>{&Pr::leave_after, 100ms, 1h}, "", Change::kSession,
     "Not seen this long before absent; of a detector for faces, before unknown (no_face)."},
    {"warm_up", "warm_up_ms", Time<Pr>{&Pr::warm_up, 0s, 60s}, "", Change::kSession, "Unknown this long after a connection."},
};

using F = FacesConfig;
constexpr Key<F> kFaces[] = {
    {"recognize", "recognize", Flag<F>{&F::recognize}, "", Change::kSession,
     "Whether faces are compared with the facility's gallery; needs a detector that gives the eyes."},
    {"inter_pupil_min_px", "inter_pupil_min_px", Real<F>{&F::inter_pupil_min_px, 8, 500}, "px", Change::kSession,
     "A face whose eyes are closer together, in pixels of the analysed stream, is not compared."},
    {"shots_per_second", "shots_per_second", Real<F>{&F::shots_per_second, 0.1, 20}, "1/s", Change::kSession,
     "Faces compared a second at most, all people before the camera together."},
    {"shots_needed", "shots_needed", Int<F>{&F::shots_needed, 1, 5}, "shots", Change::kSession,
     "Shots of one person before anything is decided."},
    {"margin_min", "margin_min", Real<F>{&F::margin_min, 0, 0.5}, "score", Change::kSession,
     "Least distance to the second candidate in scores; below it nobody is named."},
};

using H = HealthConfig;
constexpr Key<H> kHealth[] = {
    {"stall_after", "stall_after_ms", Time<H>{&H::stall_after, 1s, 8s}, "", Change::kSession, "No packet this long ends the connection."},
    {"freeze_after", "freeze_after_ms", Time<H>{&H::freeze_after, 12s, 1h}, "", Change::kSession,
     "Picture unchanged this long: frozen. Longer than the longest GOP."},
    {"dark_after", "dark_after_ms", Time<H>{&H::dark_after, 1s, 1h}, "", Change::kSession,
     "Picture darker than dark_below this long: dark."},
    {"dark_below", "dark_below", Real<H>{&H::dark_below, 0, 255}, "luma", Change::kSession,
     "Mean brightness below which a picture is dark."},
};

using C = ClipConfig;
constexpr Key<C> kClips[] = {
    {"pre_roll", "pre_roll_ms", Time<C>{&C::pre_roll, 0s, 60s}, "", Change::kSession, "What a clip shows from before the event."},
    {"post_roll", "post_roll_ms", Time<C>{&C::post_roll, 0s, 5min}, "", Change::kSession, "What a clip shows from after the event."},
    {"longest", "longest_ms", Time<C>{&C::longest, 1s, 10min}, "", Change::kSession, "No clip is longer."},
    {"ring_bytes", "ring_bytes", Bytes<C>{&C::ring_bytes, kMiB, kGiB}, "", Change::kSession,
     "Memory for the pre-roll of one recorded stream."},
};

}  // namespace

std::span<const Key<GatewayConfig>> keys_of(const GatewayConfig*) { return kGateway; }
std::span<const Key<PublishConfig>> keys_of(const PublishConfig*) { return kPublish; }
std::span<const Key<JournalConfig>> keys_of(const JournalConfig*) { return kJournal; }
std::span<const Key<StorageConfig>> keys_of(const StorageConfig*) { return kStorage; }
std::span<const Key<DetectorConfig>> keys_of(const DetectorConfig*) { return kDetector; }
std::span<const Key<PresenceConfig>> keys_of(const PresenceConfig*) { return kPresence; }
std::span<const Key<FacesConfig>> keys_of(const FacesConfig*) { return kFaces; }
std::span<const Key<HealthConfig>> keys_of(const HealthConfig*) { return kHealth; }
std::span<const Key<ClipConfig>> keys_of(const ClipConfig*) { return kClips; }

}  // namespace kanhu::table
