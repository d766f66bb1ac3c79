// How a long run is ended from outside.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

namespace cnnfast {

class Interrupt {
 public:
  virtual ~Interrupt() = default;

  // Whether what is left need not be done: nobody will look at the outputs.
  virtual bool asked() noexcept = 0;
};

inline bool asked(Interrupt* interrupt) { return interrupt != nullptr && interrupt->asked(); }

// One interrupt for the threads of a run: the thread that called asks it now and then, the others
// see what it said.
class SharedInterrupt {
 public:
  explicit SharedInterrupt(Interrupt& whole) : caller_(whole, others_) {}

  Interrupt& of(int thread) { return thread == 0 ? static_cast<Interrupt&>(caller_) : others_; }

 private:
  struct Others final : Interrupt {
    std::atomic<bool> was_asked{false};

    bool asked() noexcept override { return was_asked.load(std::memory_order_relaxed); }
  };

  class Caller final : public Interrupt {
   public:
    Caller(Interrupt& whole, Others& others) : whole_(whole), others_(others) {}

    bool asked() noexcept override {
      if (others_.asked()) return true;
      if (--calls_ > 0) return false;
      const Clock::time_point now = Clock::now();
      between_ = now - looked_ < kSoon ? std::min(2 * between_, kMostCalls) : 1;
      calls_ = between_;
      looked_ = now;
      if (now < next_) return false;
      const bool asked = whole_.asked();
      others_.was_asked.store(asked, std::memory_order_relaxed);
      next_ = Clock::now() + kPatience;
      return asked;
    }

   private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kPatience{100};
    // Where the calls follow each other sooner, only some look at the clock, which costs as much as
    // a short row.
    static constexpr std::chrono::milliseconds kSoon{1};
    static constexpr int kMostCalls = 8;

    Interrupt& whole_;
    Others& others_;
    Clock::time_point looked_ = Clock::now();
    Clock::time_point next_ = looked_ + kPatience;
    int between_ = 1;
    int calls_ = 1;
  };

  Others others_;
  Caller caller_;
};

}  // namespace cnnfast
