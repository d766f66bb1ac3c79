// Runs plans from many threads, alone and shared, each on several threads, while others build
// and drop plans with the same packed weights; ends a long run early. For ThreadSanitizer.
#include <atomic>
#include <cstdio>
#include <thread>

#include "named_threadings.hpp"
#include "network.hpp"
#include "workspaces.hpp"

using namespace cnnfast;
using namespace cnnfast::testing;

namespace {

class Asked final : public Interrupt {
 public:
  bool asked() noexcept override { return true; }
};

// Whether a run that is asked to end leaves its last images alone, and one that is not does not.
bool ends_early(const Plan& plan, int threads) {
  constexpr std::int64_t kMany = 30000;
  const std::vector<float> x = ramp(kMany * count(plan.inputs()[0]));
  std::vector<float> y(static_cast<std::size_t>(kMany * count(plan.outputs()[0])), -1.0F);
  Asked asked;
  plan.run({x.data()}, {y.data()}, kMany, threads, &asked);
  return y.back() == -1.0F && run(plan, 1, threads).back() != -1.0F;
}

int run_all(Threading threading) {
  set_threading(threading);
  constexpr int kThreads = 6;
  constexpr int kRounds = 20;
  constexpr std::int64_t kSize = 24;
  constexpr std::int64_t kImages = 5;
  const auto shared = make_network(kSize);
  const std::vector<float> expected = run(*shared, kImages, 1);
  const auto bands = make_bands_network();
  const std::vector<float> expected_of_bands = run(*bands, 1, 1);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        failed += run(*shared, kImages, 1 + (i + round) % 3) != expected;
        failed += run(*make_network(kSize), kImages, 2) != expected;
        failed += run(*bands, 1, 1 + (i + round) % 3) != expected_of_bands;
        {
          const Workspace large(std::int64_t{4} << 20);
        }
        if (i == 0) release_idle_workspaces();
        set_workspace_limit(round % 4 == 0 ? 0 : idle_workspace_bytes() + (32 << 20));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto dense = make_dense_network();
  for (int i = 1; i <= 3; ++i) failed += ends_early(*dense, i) ? 0 : 1;
  std::printf("%s: %d runs, %d failed\n", name_of(threading).c_str(), kThreads * kRounds * 3 + 3,
              failed.load());
  return failed;
}

}  // namespace

int main(int count, char** names) {
  int failed = 0;
  for (const Threading threading : named_threadings(count, names)) failed += run_all(threading);
  return failed == 0 ? 0 : 1;
}
