// How a long run is ended from outside.
#pragma once

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
      if (Clock::now() < next_) return false;
      const bool asked = whole_.asked();
      others_.was_asked.store(asked, std::memory_order_relaxed);
      next_ = Clock::now() + kPatience;
      return asked;
    }

   private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kPatience{100};

    Interrupt& whole_;
    Others& others_;
    Clock::time_point next_ = Clock::now() + kPatience;
  };

  Others others_;
  Caller caller_;
};

}  // namespace cnnfast
