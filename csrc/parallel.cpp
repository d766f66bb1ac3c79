#include "parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "denormals.hpp"
#include "fork.hpp"

namespace cnnfast {

namespace {

constexpr int kSpins = 2000;  // 40 to 100 microseconds
// The thread that brought a job looks up so often while it waits.
constexpr std::chrono::milliseconds kLookUp{50};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether `word` is no longer `seen`, by spinning as long as balanced work should need.
bool changes_soon(const std::atomic<std::uint64_t>& word, std::uint64_t seen) {
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_acquire) != seen) return true;
    pause();
  }
  return false;
}

// The phase that is open: a number that no other phase of the crew has, the threads that may help
// and the parts; all 0 but the number where no job runs. Fits into one word.
struct Phase {
  std::uint64_t number;
  int threads;
  int parts;

  static Phase unpacked(std::uint64_t word) {
    return {word >> 22, static_cast<int>(word >> 12 & 0x3ff),
            static_cast<int>(word & Job::kMostParts)};
  }
  std::uint64_t packed() const {
    return number << 22 | static_cast<std::uint64_t>(threads) << 12 |
           static_cast<std::uint64_t>(parts);
  }

  // A thread's own parts end there.
  int end(int thread) const { return (parts * (thread + 1) + threads - 1) / threads; }
};

// How many of a thread's own parts are taken, in the phase of that number.
struct alignas(64) Taken {
  std::atomic<std::uint64_t> word{0};  // number << 22 | parts

  static std::uint64_t packed(std::uint64_t number, int parts) {
    return number << 22 | static_cast<std::uint64_t>(parts);
  }
};

// Threads that help one job at a time. A thread's own parts are neighbours, so that it finds what
// it wrote in its cache; when they are done it takes those of others.
class Crew {
 public:
  Crew* next_idle = nullptr;

  // The thread that brings a job counts.
  int size() const { return size_; }

  // To so many threads, or fewer where the system gives no more.
  void grow(int threads) {
    try {
      for (; size_ < threads; ++size_) {
        std::thread([this, index = size_] { help(index); }).detach();
      }
    } catch (const std::exception&) {
      return;  // those there are will do
    }
  }

  void run(Job& job, int threads) {
    job_ = &job;
    index_ = -1;
    threads_ = threads;
    open_next();
    for (;;) {
      const std::uint64_t open = open_.load(std::memory_order_acquire);
      if (Phase::unpacked(open).threads == 0) return;
      if (!work(Phase::unpacked(open), 0) && !changes_soon(open_, open)) sleep_for_change(open);
    }
  }

 private:
  // Opens the job's next phase, or none after its last. Called by one thread while no part is
  // in anybody's hands.
  void open_next() {
    const std::uint64_t number = Phase::unpacked(open_.load(std::memory_order_relaxed)).number + 1;
    ++index_;
    Phase next = {number, 0, 0};
    if (index_ < job_->phases()) next = {number, threads_, job_->parts(index_)};
    done_.store(0, std::memory_order_relaxed);
    open_.store(next.packed());
    open_.notify_all();
    if (!sleeps_.load()) return;
    const std::lock_guard lock(sleep_);
    woken_.notify_one();
  }

  // The thread that brought the job: it must look up in time, which an atomic's wait cannot.
  void sleep_for_change(std::uint64_t seen) {
    bool changed = false;
    {
      std::unique_lock lock(sleep_);
      sleeps_.store(true);
      changed = woken_.wait_for(lock, kLookUp, [&] { return open_.load() != seen; });
      sleeps_.store(false);
    }
    if (!changed) job_->waiting();
  }

  void help(int index) {
    const FlushDenormals flush;
    for (;;) {
      const std::uint64_t open = open_.load(std::memory_order_acquire);
      // Asleep, a core which somebody else uses is given up instead of burnt.
      if (!work(Phase::unpacked(open), index) && !changes_soon(open_, open)) {
        open_.wait(open, std::memory_order_acquire);
      }
    }
  }

  // Runs parts of the phase until all are taken; whether there was any.
  bool work(const Phase& phase, int thread) {
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
  int take(const Phase& phase, int owner) {
    std::atomic<std::uint64_t>& word = taken_[static_cast<std::size_t>(owner)].word;
    const int first = owner == 0 ? 0 : phase.end(owner - 1);
    const int count = phase.end(owner) - first;
    std::uint64_t seen = word.load(std::memory_order_acquire);
    for (;;) {
      int taken = 0;
      if (seen >> 22 == phase.number) {
        taken = static_cast<int>(seen & 0x3fffff);
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

  std::array<Taken, kMostThreads> taken_;
  int size_ = 1;
  // Written together, between phases.
  alignas(64) std::atomic<std::uint64_t> open_{0};
  Job* job_ = nullptr;
  int index_ = 0;  // of the open phase in the job
  int threads_ = 0;
  alignas(64) std::atomic<int> done_{0};
  std::atomic<bool> sleeps_{false};  // the thread that brought the job
  std::mutex sleep_;
  std::condition_variable woken_;
};

// Crews without a job. Never destroyed: their threads outlive every static object.
class IdleCrews {
 public:
  Crew* take() {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    Crew* const crew = first_;
    if (crew == nullptr) return new Crew;
    first_ = crew->next_idle;
    return crew;
  }

  void give_back(Crew* crew) {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    crew->next_idle = first_;
    first_ = crew;
  }

 private:
  void forget_those_of_another_process() {
    if (forks_ == forks_before_this_process()) return;
    forks_ = forks_before_this_process();
    first_ = nullptr;
  }

  Crew* first_ = nullptr;
  int forks_ = 0;
};

IdleCrews& idle_crews() {
  static auto& only = *new IdleCrews;
  return only;
}

void run_alone(Job& job) {
  for (int phase = 0; phase < job.phases(); ++phase) {
    for (int part = 0; part < job.parts(phase); ++part) job.run(phase, part, 0);
    job.finished(phase);
  }
}

}  // namespace

void run_job(Job& job, int threads) {
  if (threads <= 1) {
    run_alone(job);
    return;
  }
  Crew* const crew = idle_crews().take();
  crew->grow(threads);
  crew->run(job, std::min(threads, crew->size()));
  idle_crews().give_back(crew);
}

int within_limit(int threads) {
  threads = std::min(threads, kMostThreads);
  if (threads == 1) return 1;
  // The limit that a new thread starts with is no such wish: it follows OMP_NUM_THREADS or the
  // processors, which the caller has taken into account.
  static std::atomic<int> initial{0};  // 0 until a thread could be made to ask
  if (initial == 0) {
    try {
      std::thread([] { initial = omp_get_max_threads(); }).join();
    } catch (const std::exception&) {
      return 1;
    }
  }
  const int limit = omp_get_max_threads();
  return limit < initial ? std::min(threads, limit) : threads;
}

}  // namespace cnnfast
