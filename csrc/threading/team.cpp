#include "team.hpp"

#include <thread>

#include "../platform/threads.hpp"

namespace cnnfast {

namespace {

constexpr int kSpins = 2000;  // 40 to 100 microseconds
constexpr int kYields = 4;

// Whoever waits for others in the middle of a job looks up so often.
constexpr std::chrono::milliseconds kLookUp{50};

// Whether `word` is no longer `seen` before as long as balanced work should need: who waits longer
// sleeps, so that a core which somebody else uses is given up instead of burnt. At last it lets
// others go first: one of them may be what it waits for.
bool changes_soon(const std::atomic<std::uint64_t>& word, std::uint64_t seen) {
  for (int i = 0; i < kSpins + kYields; ++i) {
    if (word.load(std::memory_order_acquire) != seen) return true;
    i < kSpins ? relax() : std::this_thread::yield();
  }
  return false;
}

}  // namespace

Team::Team() {
  make_bed(0);
  set_state(0, State::awake);
}

void Team::make_bed(int thread) {
  if (bed(thread) == nullptr) bed(thread) = std::make_unique<Bed>();
}

void Team::make_beds(int threads) {
  for (int thread = 1; thread < threads; ++thread) make_bed(thread);
}

void Team::begin(Job& job, int threads) {
  job_ = &job;
  index_ = -1;
  threads_ = threads;
  open_next();
}

void Team::lead() {
  for (;;) {
    const std::uint64_t open = open_.load(std::memory_order_acquire);
    if (OpenPhase::unpacked(open).threads == 0) return;
    if (work(OpenPhase::unpacked(open), 0) || changes_soon(open_, open)) continue;
    if (sleep(0, open, kLookUp)) continue;
    set_state(0, State::awake);
    job_->waiting();
  }
}

void Team::follow(int thread) {
  set_state(thread, State::awake);
  for (;;) {
    const std::uint64_t open = open_.load(std::memory_order_acquire);
    const OpenPhase phase = OpenPhase::unpacked(open);
    if (phase.threads == 0) break;
    if (work(phase, thread) || changes_soon(open_, open)) continue;
    if (!sleep(thread, open, kLookUp)) set_state(thread, State::awake);
  }
  set_state(thread, State::absent);
}

void Team::wake_all(int threads) {
  for (int thread = 1; thread < threads; ++thread) wake(thread);
}

void Team::follow_jobs(int thread, const std::atomic<std::int64_t>& idle_milliseconds) {
  for (;;) {
    const std::uint64_t open = open_.load(std::memory_order_acquire);
    const OpenPhase phase = OpenPhase::unpacked(open);
    if (work(phase, thread)) continue;
    const bool unasked = phase.threads > 0 && thread >= phase.threads;
    if (!unasked && changes_soon(open_, open)) continue;
    if (!sleep(thread, open, std::chrono::milliseconds(idle_milliseconds))) return;
  }
}

// Opens the job's next phase, or none after its last. Called by one thread while no part is in
// anybody's hands.
void Team::open_next() {
  const std::uint64_t number =
      OpenPhase::unpacked(open_.load(std::memory_order_relaxed)).number + 1;
  ++index_;
  OpenPhase next = {number, 0, 0};
  if (index_ < job_->phases()) next = {number, threads_, job_->parts(index_)};
  done_.store(0, std::memory_order_relaxed);
  // Before the states are read; a thread that falls asleep writes its own before it reads this.
  open_.store(next.packed(), std::memory_order_seq_cst);
  // From here on another job may run: a thread that is called too often looks and sleeps again.
  const int called = next.threads > 0 ? next.threads : 1;
  for (int thread = 0; thread < called; ++thread) wake(thread);
}

// Runs parts of the phase until all are taken; whether there was any.
bool Team::work(const OpenPhase& phase, int thread) {
  if (thread >= phase.threads) return false;
  int done = 0;
  for (int i = 0; i < phase.threads; ++i) {
    const int owner = (thread + i) % phase.threads;
    for (int part = take(phase, owner); part >= 0; part = take(phase, owner)) {
      job_->run(index_, part, thread);  // neither changes while a part is in hand
      ++done;
    }
  }
  if (done == 0) return false;
  if (done_.fetch_add(done, std::memory_order_acq_rel) + done == phase.parts) {
    job_->finished(index_);
    open_next();
  }
  return true;
}

// A part of `owner` that nobody has taken; -1 where there is none, or the phase is over.
int Team::take(const OpenPhase& phase, int owner) {
  std::atomic<std::uint64_t>& word = taken_[static_cast<std::size_t>(owner)].word;
  const int first = phase.first(owner);
  const int count = phase.first(owner + 1) - first;
  std::uint64_t seen = word.load(std::memory_order_acquire);
  for (;;) {
    int taken = 0;
    if (Taken::number(seen) == phase.number) {
      taken = Taken::parts(seen);
    } else if (open_.load(std::memory_order_acquire) != phase.packed()) {
      return -1;  // what was seen may be of a later phase
    }
    if (taken >= count) return -1;
    if (word.compare_exchange_weak(seen, Taken::packed(phase.number, taken + 1),
                                   std::memory_order_acq_rel)) {
      return first + taken;
    }
  }
}

void Team::wake(int thread) {
  if (state_of(thread).load(std::memory_order_seq_cst) != State::asleep) return;
  Bed& at = *bed(thread);
  {
    const std::lock_guard lock(at.mutex);
    if (state(thread) != State::asleep) return;
    set_state(thread, State::awake);
  }
  at.called.notify_one();
}

// Until called, unless `open_` is no longer `seen`; false where nobody has called in time, and a
// thread that stays must end.
bool Team::sleep(int thread, std::uint64_t seen, std::chrono::milliseconds most) {
  Bed& at = *bed(thread);
  std::unique_lock lock(at.mutex);
  state_of(thread).store(State::asleep, std::memory_order_seq_cst);
  if (open_.load(std::memory_order_seq_cst) != seen) {
    set_state(thread, State::awake);
    return true;
  }
  const auto called = [&] { return state(thread) != State::asleep; };
  if (at.called.wait_for(lock, most, called)) return true;
  set_state(thread, State::absent);
  return false;
}

}  // namespace cnnfast
