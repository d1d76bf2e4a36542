// Threads: one small pool for the whole process.
//
// A caller borrows a team for the length of one computation, and its members meet at cheap
// barriers inside it, because a Gauss-Seidel sweep has about a hundred meeting points of a few
// dozen microseconds each. Work is never cut by the size of the team, so results cannot depend
// on it. Idle workers sleep in the kernel; a forked child starts with an empty pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace carbonflows {

// How a computation runs: on up to `threads` threads. The thread that asked for it calls
// `interrupt` now and then, which may throw.
struct Run {
  int threads;
  std::function<void()> interrupt;
};

namespace detail {
struct TeamState;
}

// One member's view of a running team.
class Team {
 public:
  Team(detail::TeamState& state, int rank) : state_(&state), rank_(rank) {}
  int rank() const { return rank_; }
  int size() const;
  // Wait until every member has come here, or one has failed: then it throws.
  void barrier();

 private:
  detail::TeamState* state_;
  int rank_;
};

// Run body(team) on `threads` members, the caller being rank 0, and return when all are done; on
// fewer where the system gives no more threads. The first exception that leaves a body is thrown
// again here; members that wait for another at a barrier leave their part then, by an exception.
void run_team(int threads, const std::function<void(Team&)>& body);

// Call body(task) for task = 0 … tasks-1, each exactly once, on up to `threads` threads.
void parallel_for(int threads, std::int64_t tasks, const std::function<void(std::int64_t)>& body);

// Threads that the pool has started and not yet lost to a fork.
int pool_size();

}  // namespace carbonflows
