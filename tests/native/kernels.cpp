// Runs each kernel by its name, without a plan around it, on every instruction set of this machine:
// `kernels` compares the answers with loops written from the definition, `kernels --time` says how
// fast they come, `kernels --time softmax gemv` of these alone. `--json` writes the seconds of each
// round for other programs, `--list` the names, `--pairs` each with the instruction sets it has.
#include <chrono>
#include <cstdio>

#include "trials.hpp"

namespace {

using namespace cnnfast;
using trials::Named;
using trials::Numbers;
using trials::Trial;

std::vector<Named> all_trials() {
  std::vector<Named> all;
  for (const auto trials : {trials::bfloat16_trials, trials::product_trials,
                            trials::recurrent_trials, trials::window_trials, trials::row_trials,
                            trials::quantized_trials, trials::quantized_row_trials}) {
    const std::vector<Named> some = trials();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

// Kernels of float32 may be those of several instruction sets: then of the one they are named
// after.
bool has(const Named& named, const std::string& isa) {
  return named.make_quantized != nullptr || isa == kernels_of(isa).name;
}

Trial trial_on(const Named& named, const std::string& isa) {
  return named.make_quantized != nullptr ? named.make_quantized(quantized_kernels_of(isa))
                                         : named.make(kernels_of(isa));
}

bool is_right(const Trial& trial) {
  const double tolerance = trial.bytes ? 0 : trial.tolerance;
  Numbers out(trial.expected.size(), NAN);
  trial.run(out.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double scale = std::max(1.0, std::abs(trial.expected[i]));
    const double made = trial.bytes ? reinterpret_cast<std::uint8_t*>(out.data())[i] : out[i];
    if (!(std::abs(made - trial.expected[i]) <= tolerance * scale)) return false;
  }
  return true;
}

// Of a call, in rounds of so many that the clock's steps are short beside them.
std::vector<double> seconds_of(const Trial& trial) {
  using Clock = std::chrono::steady_clock;
  constexpr double kRound = 1e-3;
  constexpr int kRounds = 30;
  Numbers out(trial.expected.size());
  const auto calls = [&](int count) {
    const auto start = Clock::now();
    for (int i = 0; i < count; ++i) trial.run(out.data());
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  calls(1);
  const int count = std::max(1, static_cast<int>(kRound / calls(1)));
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) seconds.push_back(calls(count) / count);
  return seconds;
}

void print_json(const std::string& isa, const std::string& name, double operations,
                const std::vector<double>& seconds) {
  std::printf("{\"isa\": \"%s\", \"kernel\": \"%s\", \"operations\": %.0f, \"seconds\": [",
              isa.c_str(), name.c_str(), operations);
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    std::printf("%s%.4e", i == 0 ? "" : ", ", seconds[i]);
  }
  std::printf("]}\n");
}

void time(const std::string& isa, const std::string& name, const Trial& trial, bool json) {
  const std::vector<double> seconds = seconds_of(trial);
  if (json) return print_json(isa, name, trial.operations, seconds);
  const double best = *std::min_element(seconds.begin(), seconds.end());
  std::printf("%-12s %-26s %8.2f\n", isa.c_str(), name.c_str(), trial.operations / best * 1e-9);
}

class Words {
 public:
  Words(int count, char** words) {
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      (word.rfind("--", 0) == 0 ? options_ : names_).push_back(word);
    }
  }

  bool has(const char* option) const {
    return std::find(options_.begin(), options_.end(), option) != options_.end();
  }
  // By its name or that of its slot; all where none is asked for.
  bool asks_for(const std::string& name) const {
    return names_.empty() || std::any_of(names_.begin(), names_.end(), [&](const auto& asked) {
             return name == asked || name.rfind(asked + "_", 0) == 0;
           });
  }

 private:
  std::vector<std::string> options_;
  std::vector<std::string> names_;
};

}  // namespace

int main(int count, char** words) {
  const Words asked(count, words);
  int passed = 0;
  int failed = 0;
  for (const Named& named : all_trials()) {
    if (!asked.asks_for(named.name)) continue;
    if (asked.has("--list")) std::puts(named.name.c_str());
    for (const std::string& isa : available_isas()) {
      if (asked.has("--list") || !has(named, isa)) continue;
      if (asked.has("--pairs")) {
        std::printf("%s %s\n", named.name.c_str(), isa.c_str());
        continue;
      }
      const Trial trial = trial_on(named, isa);
      const bool right = is_right(trial);
      ++(right ? passed : failed);
      if (!right) std::printf("FAILED %s on %s\n", named.name.c_str(), isa.c_str());
      if (asked.has("--time")) time(isa, named.name, trial, asked.has("--json"));
    }
  }
  if (asked.has("--list") || asked.has("--pairs")) return 0;
  if (!asked.has("--json")) std::printf("%d kernels, %d failed\n", passed + failed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
