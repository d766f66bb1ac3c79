// What waits for the next job.
#pragma once

#include "../fork.hpp"

namespace cnnfast {

// Objects without a job, each with a `next_idle`. Never destroyed: threads may wake in them at any
// time, and outlive every static object.
template <class T>
class Idle {
 public:
  // One of them for as long as this lives.
  class Lease {
   public:
    Lease() : taken_(all().take()) {}
    ~Lease() { all().give_back(taken_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    T* operator->() const { return taken_; }

   private:
    T* taken_;
  };

 private:
  static Idle& all() {
    static auto& only = *new Idle;
    return only;
  }

  T* take() {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    T* const one = first_;
    if (one == nullptr) return new T;
    first_ = one->next_idle;
    return one;
  }

  void give_back(T* one) {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    one->next_idle = first_;
    first_ = one;
  }

  void forget_those_of_another_process() {
    if (forks_ == forks_before_this_process()) return;
    forks_ = forks_before_this_process();
    first_ = nullptr;
  }

  T* first_ = nullptr;
  int forks_ = 0;
};

}  // namespace cnnfast
