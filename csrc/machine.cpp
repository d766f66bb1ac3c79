#include "machine.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "cpu.hpp"
#include "memory.hpp"

namespace cnnfast {

namespace {

// The highest work per nanosecond of `round(thread)`, which returns what one thread did.
template <class Round>
double best_rate(double seconds, int threads, const Round& round) {
  using Clock = std::chrono::steady_clock;
  if (threads < 1) throw std::invalid_argument("threads must be positive");
  double best = 0;
  std::atomic<bool> going = true;  // the first thread's word, so that all do as many rounds
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::barrier together(threads);
  const auto repeat = [&](int thread) {
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
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(repeat, i);
  repeat(0);
  return best;
}

}  // namespace

double fma_peak(double seconds, int threads) {
  return best_rate(seconds, threads, [](int) { return kernels().fma_chain(200'000); });
}

double read_peak(std::int64_t bytes, double seconds, int threads) {
  constexpr std::int64_t kRoundBytes = std::int64_t{1} << 24;  // long against a barrier
  if (threads < 1) throw std::invalid_argument("threads must be positive");
  const std::int64_t unit = std::int64_t{8} * kernels().lanes;
  const std::int64_t floats = std::max(unit, bytes / 4 / threads / unit * unit);
  const Block block(floats * threads);
  std::fill_n(block.data(), block.size(), 1.0F);
  const std::int64_t repeats = std::max<std::int64_t>(1, kRoundBytes / (floats * 4));
  return best_rate(seconds, threads, [&](int thread) {
    volatile float sink = 0;
    for (std::int64_t i = 0; i < repeats; ++i) {
      sink = kernels().read_all(block.data() + floats * thread, floats);
    }
    (void)sink;
    return static_cast<double>(floats * 4 * repeats);
  });
}

}  // namespace cnnfast
