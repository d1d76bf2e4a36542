#include "carbonflows/threads.hpp"

#include <doctest/doctest.h>

#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using carbonflows::parallel_for;
using carbonflows::run_team;
using carbonflows::Team;

TEST_CASE("every task runs exactly once, whatever the number of threads") {
  for (const int threads : {1, 2, 3, 8, 33}) {
    for (const std::int64_t tasks : {0, 1, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(tasks), 0);
      parallel_for(threads, tasks, [&](std::int64_t t) { ++runs[static_cast<std::size_t>(t)]; });
      for (const int count : runs) CHECK(count == 1);
    }
  }
}

TEST_CASE("a barrier lets nobody through before the last has come") {
  constexpr int members = 4;
  constexpr int rounds = 300;
  std::vector<int> reached(members, 0);
  bool ordered = true;
  run_team(members, [&](Team& team) {
    for (int round = 1; round <= rounds; ++round) {
      reached[static_cast<std::size_t>(team.rank())] = round;
      team.barrier();
      if (team.rank() == 0) {
        for (const int other : reached) ordered = ordered && other == round;
      }
      team.barrier();
    }
  });
  CHECK(ordered);
}

TEST_CASE("an exception reaches the caller, and the pool still works") {
  CHECK_THROWS_AS(parallel_for(3, 10,
                               [](std::int64_t t) {
                                 if (t == 5) throw std::runtime_error("no");
                               }),
                  std::runtime_error);
  int sum = 0;
  parallel_for(1, 3, [&](std::int64_t t) { sum += static_cast<int>(t); });
  CHECK(sum == 3);
}

TEST_CASE("members that wait for one that has failed are let go") {
  for (const int members : {2, 4, 9}) {
    for (int failing = 0; failing < members; ++failing) {
      std::vector<int> beyond(static_cast<std::size_t>(members), 0);
      CHECK_THROWS_AS(run_team(members,
                               [&](Team& team) {
                                 team.barrier();
                                 if (team.rank() == failing) throw std::bad_alloc();
                                 team.barrier();
                                 ++beyond[static_cast<std::size_t>(team.rank())];
                               }),
                      std::bad_alloc);
      for (const int count : beyond) CHECK(count == 0);
    }
  }
  int sum = 0;
  parallel_for(1, 3, [&](std::int64_t t) { sum += static_cast<int>(t); });
  CHECK(sum == 3);
}

TEST_CASE("several callers may borrow teams at once, and workers are used again") {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> callers;
    std::vector<std::int64_t> sums(4, 0);
    for (std::size_t c = 0; c < sums.size(); ++c) {
      callers.emplace_back([&sums, c] {
        std::vector<std::int64_t> parts(50, 0);
        parallel_for(3, 50, [&](std::int64_t t) { parts[static_cast<std::size_t>(t)] = t; });
        for (const std::int64_t part : parts) sums[c] += part;
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const std::int64_t sum : sums) CHECK(sum == 1225);
  }
  CHECK(carbonflows::pool_size() <= 64);
}

#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a forked child starts with an empty pool and can work") {
  parallel_for(2, 10, [](std::int64_t) {});
  const pid_t child = fork();
  if (child == 0) {
    std::vector<int> done(10, 0);
    parallel_for(2, 10, [&](std::int64_t t) { done[static_cast<std::size_t>(t)] = 1; });
    int sum = 0;
    for (const int d : done) sum += d;
    _exit(sum == 10 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif

#if defined(__linux__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
TEST_CASE("where no thread can be started, those that are there do all of it") {
  const pid_t child = fork();
  if (child == 0) {
    parallel_for(2, 10, [](std::int64_t) {});
    struct rlimit least = {1, 1};
    if (setrlimit(RLIMIT_AS, &least) != 0)
      _exit(2);  // no room for stacks beyond those that a fork left
    std::vector<int> done(10, 0);
    int members = 0;
    run_team(200, [&](Team& team) {
      if (team.rank() == 0) members = team.size();
      team.barrier();
      for (int t = team.rank(); t < 10; t += team.size()) ++done[static_cast<std::size_t>(t)];
    });
    int sum = 0;
    for (const int d : done) sum += d == 1 ? 1 : 0;
    _exit(sum == 10 && members < 200 && carbonflows::pool_size() == members - 1 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
