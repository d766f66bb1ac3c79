// Runs plans from many threads, alone and shared, each on several threads, while others build
// and drop plans with the same packed weights; for ThreadSanitizer.
#include <atomic>
#include <cstdio>
#include <thread>

#include "network.hpp"
#include "workspaces.hpp"

using namespace cnnfast;
using namespace cnnfast::testing;

int main() {
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
  std::printf("%d runs, %d failed\n", kThreads * kRounds * 3, failed.load());
  return failed == 0 ? 0 : 1;
}
