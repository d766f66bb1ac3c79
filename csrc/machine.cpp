#include "machine.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

#include "cpu.hpp"
#include "memory.hpp"
#include "parallel.hpp"

namespace cnnfast {

namespace {

// The highest work per nanosecond of `round(team)`, which returns what one thread did.
template <class Round>
double best_rate(double seconds, int threads, const Round& round) {
  using Clock = std::chrono::steady_clock;
  if (threads < 1) throw std::invalid_argument("threads must be positive");
  double best = 0;
  std::atomic<bool> going = true;  // the first thread's word, so that all do as many rounds
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  parallel(threads, [&](const Team& team) {
    while (going) {
      team.barrier();
      const auto start = Clock::now();
      const double work = round(team);
      team.barrier();
      if (team.index() == 0) {
        const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
        best = std::max(best, work * team.size() / spent.count());
        going = Clock::now() < end;
      }
      team.barrier();
    }
  });
  return best;
}

}  // namespace

double fma_peak(double seconds, int threads) {
  return best_rate(seconds, threads, [](const Team&) { return kernels().fma_chain(200'000); });
}

double read_peak(std::int64_t bytes, double seconds, int threads) {
  constexpr std::int64_t kRoundBytes = std::int64_t{1} << 24;  // long against a barrier
  if (threads < 1) throw std::invalid_argument("threads must be positive");
  const std::int64_t unit = std::int64_t{8} * kernels().lanes;
  const std::int64_t floats = std::max(unit, bytes / 4 / threads / unit * unit);
  const Block block(floats * threads);
  std::fill_n(block.data(), block.size(), 1.0F);
  const std::int64_t repeats = std::max<std::int64_t>(1, kRoundBytes / (floats * 4));
  return best_rate(seconds, threads, [&](const Team& team) {
    volatile float sink = 0;
    for (std::int64_t i = 0; i < repeats; ++i) {
      sink = kernels().read_all(block.data() + floats * team.index(), floats);
    }
    (void)sink;
    return static_cast<double>(floats * 4 * repeats);
  });
}

}  // namespace cnnfast
