#include "machine.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cpu.hpp"
#include "memory.hpp"
#include "platform/affinity.hpp"
#include "threading/job.hpp"

namespace cnnfast {

namespace {

void check(int threads) {
  if (threads >= 1 && threads <= kMostThreads) return;
  throw std::invalid_argument("threads must be positive and at most " +
                              std::to_string(kMostThreads) +
                              ". Received: " + std::to_string(threads));
}

// work(thread) on the calling thread, number 0, and on others, once all are there: none begins
// where one cannot be made.
template <class Work>
void run_together(int threads, const Work& work) {
  enum Gate { closed, open, given_up };
  std::atomic<int> gate = closed;
  const auto let = [&](Gate word) {
    gate = word;
    gate.notify_all();
  };
  const std::vector<int> processors = processors_of_places();
  std::vector<std::jthread> others;
  try {
    for (int thread = 1; thread < threads; ++thread) {
      std::jthread& other = others.emplace_back([&, thread] {
        gate.wait(closed);
        if (gate == open) work(thread);
      });
      let_run_on(other.native_handle(), processors);
    }
  } catch (const std::exception&) {
    let(given_up);
    throw std::invalid_argument("threads must be no more than the system starts, here " +
                                std::to_string(others.size() + 1) +
                                ". Received: " + std::to_string(threads));
  }
  let(open);
  work(0);
}

// The highest work per nanosecond of `round(thread)`, which returns what one thread did.
template <class Round>
double best_rate(double seconds, int threads, const Round& round) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  std::atomic<bool> going = true;  // the first thread's word, so that all do as many rounds
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::barrier together(threads);
  run_together(threads, [&](int thread) {
    while (going) {
      together.arrive_and_wait();
      const auto start = Clock::now();
      const double work = round(thread);
      together.arrive_and_wait();
      if (thread == 0) {
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        best = std::max(best, work * threads / spent.count());
        going = Clock::now() < end;
      }
      together.arrive_and_wait();
    }
  });
  return best;
}

}  // namespace

double fma_peak(double seconds, int threads) {
  check(threads);
  return best_rate(seconds, threads, [](int) { return kernels().fma_chain(200'000); });
}

double read_peak(std::int64_t bytes, double seconds, int threads) {
  constexpr std::int64_t kRoundBytes = std::int64_t{1} << 24;  // long against a barrier
  check(threads);
  const std::int64_t unit = std::int64_t{8} * kernels().tuning.lanes;
  const std::int64_t floats = std::max(unit, bytes / float_bytes(1) / threads / unit * unit);
  const Floats numbers(floats * threads);
  std::fill_n(numbers.data(), numbers.size(), 1.0F);
  const std::int64_t repeats = std::max<std::int64_t>(1, kRoundBytes / float_bytes(floats));
  return best_rate(seconds, threads, [&](int thread) {
    volatile float sink = 0;
    for (std::int64_t i = 0; i < repeats; ++i) {
      sink = kernels().read_all(numbers.data() + floats * thread, floats);
    }
    (void)sink;
    return static_cast<double>(float_bytes(floats) * repeats);
  });
}

}  // namespace cnnfast
