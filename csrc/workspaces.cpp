#include "workspaces.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <thread>

#include "fork.hpp"

namespace cnnfast {

namespace {

using Clock = std::chrono::steady_clock;

// Until Python says what the process can spare.
constexpr std::int64_t kFirstLimit = std::int64_t{2} << 30;
// After which a buffer goes back to the system: to bring it in again costs page faults.
constexpr Clock::duration kIdleTime = std::chrono::seconds(5);
// Not worth a thread that wakes to give it back.
constexpr std::int64_t kKeptBytes = std::int64_t{8} << 20;
constexpr std::size_t kMostBuffers = 64;

// Buffers of sizes so many times apart are one kind: a run takes a larger one and replaces a
// smaller one, so that images of many sizes need no buffer each. Beyond, a small model would keep a
// large one's memory in use.
constexpr std::int64_t kKind = 4;

std::int64_t most_bytes_for(std::int64_t bytes) {
  constexpr std::int64_t kSmallBytes = std::int64_t{4} << 20;
  return std::max(kKind * bytes, kSmallBytes);
}

// Buffers that wait, in the order they were given back; guarded by shared_state_mutex. Those that
// leave are unmapped when that is free again, because it takes long.
class Pool {
 public:
  // The smallest that fits; else the largest that does not, for the caller to replace. Without data
  // where there is none of the kind.
  Buffer take(std::int64_t bytes) {
    const std::lock_guard lock(shared_state_mutex());
    std::size_t best = count_;
    for (std::size_t i = count_; i-- > 0;) {  // of equal ones the last, which may be in cache
      const std::int64_t size = idle_[i].buffer.bytes();
      if (size > most_bytes_for(bytes) || size * kKind < bytes) continue;
      const std::int64_t found = best < count_ ? idle_[best].buffer.bytes() : 0;
      if (found < bytes ? size > found : bytes <= size && size < found) best = i;
    }
    return best < count_ ? remove(best) : Buffer();
  }

  void give_back(Buffer buffer) {
    for (;;) {
      Buffer dropped;
      const std::lock_guard lock(shared_state_mutex());
      const std::int64_t together = bytes_ + buffer.bytes();
      if (buffer.bytes() > limit_) return;
      // Little is never due: no need to look at the clock.
      const auto now = together > kKeptBytes ? Clock::now() : Clock::time_point();
      if (count_ < kMostBuffers && together <= limit_ && !is_due(now)) {
        add(std::move(buffer), now);
        return;
      }
      dropped = remove(0);
    }
  }

  void shrink(std::int64_t bytes) {
    for (;;) {
      Buffer dropped;
      const std::lock_guard lock(shared_state_mutex());
      if (bytes_ <= bytes) return;
      dropped = remove(0);
    }
  }

  std::int64_t bytes() const {
    const std::lock_guard lock(shared_state_mutex());
    return bytes_;
  }

  std::int64_t limit() const {
    const std::lock_guard lock(shared_state_mutex());
    return limit_;
  }

  void set_limit(std::int64_t bytes) {
    {
      const std::lock_guard lock(shared_state_mutex());
      limit_ = bytes;
    }
    shrink(bytes);
  }

 private:
  struct Idle {
    Buffer buffer;
    Clock::time_point since;
  };

  bool is_due(Clock::time_point now) const {
    return bytes_ > kKeptBytes && now - idle_[0].since >= kIdleTime;
  }

  void add(Buffer buffer, Clock::time_point now) {
    bytes_ += buffer.bytes();
    idle_[count_++] = {std::move(buffer), now};
    if (bytes_ > kKeptBytes) have_watched();
  }

  Buffer remove(std::size_t i) {
    Buffer buffer = std::move(idle_[i].buffer);
    bytes_ -= buffer.bytes();
    std::move(idle_.begin() + i + 1, idle_.begin() + count_, idle_.begin() + i);
    --count_;
    return buffer;
  }

  // Where there can be no thread, buffers that are due go when the next one comes.
  void have_watched() {
    if (forks_ != forks_before_this_process()) wake_ = nullptr;
    if (wake_ != nullptr) {
      if (sleeps_) wake_->notify_one();
      return;
    }
    try {
      wake_ = new std::condition_variable;
      sleeps_ = false;
      forks_ = forks_before_this_process();
      std::thread([this] { watch(); }).detach();
    } catch (const std::exception&) {
      delete std::exchange(wake_, nullptr);
    }
  }

  // A thread that wakes when the oldest buffer would be due, and not at all while there is little.
  void watch() {
    for (;;) {
      Buffer dropped;
      std::unique_lock lock(shared_state_mutex());
      sleeps_ = bytes_ <= kKeptBytes;
      if (sleeps_) {
        wake_->wait(lock);
      } else if (is_due(Clock::now())) {
        dropped = remove(0);
      } else {
        wake_->wait_until(lock, idle_[0].since + kIdleTime);
      }
    }
  }

  std::array<Idle, kMostBuffers> idle_;
  std::size_t count_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t limit_ = kFirstLimit;
  std::condition_variable* wake_ = nullptr;  // of the thread that watches, in this process
  bool sleeps_ = false;                      // until it is woken
  int forks_ = 0;                            // before that process
};

// Never destroyed: its thread outlives every static object.
Pool& pool() {
  static auto& only = *new Pool;
  return only;
}

}  // namespace

Workspace::Workspace(std::int64_t bytes) : buffer_(pool().take(bytes)) {
  if (buffer_.data() != nullptr && buffer_.bytes() >= bytes) return;
  buffer_ = Buffer();  // before there is another one
  buffer_ = Buffer(bytes);
}

Workspace::~Workspace() { pool().give_back(std::move(buffer_)); }

std::int64_t workspace_limit() { return pool().limit(); }
void set_workspace_limit(std::int64_t bytes) { pool().set_limit(bytes); }
std::int64_t idle_workspace_bytes() { return pool().bytes(); }
void release_idle_workspaces() { pool().shrink(0); }

}  // namespace cnnfast
