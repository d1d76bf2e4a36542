#include "carbonflows/threads.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace carbonflows {

namespace detail {

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#endif
}

namespace {
// Ends the part of a member that would wait for one that has failed.
struct Abandoned {};
}  // namespace

struct TeamState {
  TeamState(int members, const std::function<void(Team&)>& run)
      : size(members), body(&run), remaining(members - 1) {}

  const int size;
  const std::function<void(Team&)>* body;
  std::atomic<int> arrived{0};
  std::atomic<std::uint32_t> generation{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;  // guards `remaining` and `error`
  std::condition_variable finished;
  int remaining;
  std::exception_ptr error;

  void run(int rank) {
    Team team(*this, rank);
    try {
      (*body)(team);
    } catch (const Abandoned&) {
      // Whoever failed has left the error.
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      failed.store(true, std::memory_order_release);
    }
  }
};

namespace {

// A thread that sleeps until it is handed a team, runs its part, and goes back to the pool.
struct Worker {
  std::mutex mutex;
  std::condition_variable wake;
  TeamState* team = nullptr;
  int rank = 0;
};

class Pool {
 public:
  // A sleeping worker, or a new one; none where the system gives no more threads or memory.
  Worker* borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Worker* worker = idle_.back();
        idle_.pop_back();
        return worker;
      }
    }
    try {
      auto made = std::make_unique<Worker>();
      Worker* worker = made.get();
      {
        const std::lock_guard lock(mutex_);
        idle_.reserve(static_cast<std::size_t>(count_) + 1);  // coming back must not fail
        ++count_;
      }
      try {
        std::thread([this, worker] { work(*worker); }).detach();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        --count_;
        throw;
      }
      return made.release();  // lives as long as the process
    } catch (const std::system_error&) {
      return nullptr;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  int size() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  void work(Worker& worker) {
    for (;;) {
      TeamState* team = nullptr;
      int rank = 0;
      {
        std::unique_lock lock(worker.mutex);
        worker.wake.wait(lock, [&] { return worker.team != nullptr; });
        team = worker.team;
        rank = worker.rank;
        worker.team = nullptr;
      }
      team->run(rank);
      {
        const std::lock_guard lock(mutex_);
        idle_.push_back(&worker);
      }
      // The caller may destroy the team as soon as this lock is released.
      const std::lock_guard lock(team->mutex);
      if (--team->remaining == 0) team->finished.notify_one();
    }
  }

  std::mutex mutex_;
  std::vector<Worker*> idle_;
  int count_ = 0;
};

// Never destroyed: workers may outlive static destruction. Replaced in a forked child, where the
// threads are gone and the old mutex may be held by one of them.
Pool* pool_instance = nullptr;
std::once_flag pool_once;

Pool& pool() {
  std::call_once(pool_once, [] {
    pool_instance = new Pool;
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { pool_instance = new Pool; });
#endif
  });
  return *pool_instance;
}

}  // namespace
}  // namespace detail

int Team::size() const { return state_->size; }

void Team::barrier() {
  detail::TeamState& state = *state_;
  if (state.size == 1) return;
  const std::uint32_t generation = state.generation.load(std::memory_order_acquire);
  if (state.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == state.size) {
    state.arrived.store(0, std::memory_order_relaxed);
    state.generation.fetch_add(1, std::memory_order_release);
    return;
  }
  // Spin for the usual few microseconds, then let others have the core.
  for (int spin = 0; state.generation.load(std::memory_order_acquire) == generation; ++spin) {
    if (state.failed.load(std::memory_order_acquire)) throw detail::Abandoned{};
    if (spin < 4000) {
      detail::pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void run_team(int threads, const std::function<void(Team&)>& body) {
  std::vector<detail::Worker*> workers;
  workers.reserve(static_cast<std::size_t>(std::max(threads, 1)) - 1);
  while (workers.size() + 1 < static_cast<std::size_t>(std::max(threads, 1))) {
    detail::Worker* worker = detail::pool().borrow();
    if (worker == nullptr) break;  // fewer do the same work, and with the same bits
    workers.push_back(worker);
  }
  detail::TeamState team(static_cast<int>(workers.size()) + 1, body);
  int rank = 0;
  for (detail::Worker* worker : workers) {
    {
      const std::lock_guard lock(worker->mutex);
      worker->team = &team;
      worker->rank = ++rank;
    }
    worker->wake.notify_one();
  }
  team.run(0);
  std::unique_lock lock(team.mutex);
  team.finished.wait(lock, [&] { return team.remaining == 0; });
  if (team.error) std::rethrow_exception(team.error);
}

void parallel_for(int threads, std::int64_t tasks, const std::function<void(std::int64_t)>& body) {
  const int useful = static_cast<int>(std::min<std::int64_t>(std::max(threads, 1), tasks));
  std::atomic<std::int64_t> next{0};
  run_team(useful, [&](Team&) {
    for (std::int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
      body(task);
    }
  });
}

int pool_size() { return detail::pool().size(); }

}  // namespace carbonflows
