// Block rows one after the other, with all threads at work: the frame of every sweep.
//
// While one thread finishes block r (adds up the partial sums and solves for the block), the
// others already sum the tiles of the next block row, all but the one that needs block r; that
// tile is left to the finishing thread. So there is one meeting a block, and nobody waits for the
// triangular solves.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "carbonflows/buffers.hpp"
#include "carbonflows/groups.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/threads.hpp"

namespace carbonflows {

template <class Value>
class Pipeline {
 public:
  // For vectors of panels that are at most `width` wide together.
  Pipeline(const Operator<Value>& op, std::int64_t width)
      : op_(op), blocks_(op.matrix.blocks()), slots_(at(blocks_)), next_slot_(at(blocks_)) {
    std::size_t most = 1;
    for (std::int64_t r = 0; r < blocks_; ++r) {
      cut(r, 0, r, true);
      cut(r, r + 1, blocks_, false);
      most = std::max(most, slots_[at(r)].size());
    }
    std::int64_t rows = 0;
    for (std::int64_t r = 0; r < blocks_; ++r) rows = std::max(rows, op.matrix.rows(r));
    room_ = at(rows * width);
    for (Buffer<Value>& partial : partial_) partial.resize(most * room_);
    lower_.resize(room_);
    upper_.resize(room_);
  }

  // Every member of the team calls this. For round 0, 1, … and each block r in order, rank 0 calls
  // finish(r, lower, upper) with the sums of the tiles before and after the diagonal one, panel
  // after panel, formed from x as it then is: earlier blocks of this round already finished, later
  // ones not yet. finish returns whether to go on. `upper_from` is the first round that reads the
  // upper tiles.
  template <class Finish>
  void run(Team& team, const Value* x, const Group& group, int upper_from, Finish finish) {
    if (team.rank() == 0) {
      x_ = x;
      group_ = &group;
      upper_from_ = upper_from;
      // The last run may have gathered beyond its end.
      for (auto& next : next_slot_) next.store(0);
    }
    team.barrier();
    gather(0, 0, 0);
    team.barrier();
    for (std::int64_t step = 0;; ++step) {
      const std::int64_t r = step % blocks_;
      const auto round = static_cast<int>(step / blocks_);
      if (team.rank() == 0) {
        add_up(r, round, step % 2);
        go_on_[step % 2] = finish(r, lower_.data(), upper_.data());
      }
      const bool last = r + 1 == blocks_;
      gather(last ? 0 : r + 1, last ? round + 1 : round, (step + 1) % 2);
      team.barrier();
      if (!go_on_[step % 2]) return;
    }
  }

 private:
  // The tiles of one side of a block row, cut into slots of similar weight that threads take one
  // at a time. The cut, and the order in which partial sums are added, depend on the matrix alone,
  // and that is what makes results independent of the number of threads.
  struct Slot {
    std::int64_t first;
    std::int64_t last;
    bool lower;
  };
  static constexpr std::int64_t slots_a_side = 4;

  // The block that is being finished while row r is gathered; its tile comes late.
  std::int64_t late(std::int64_t r) const { return r == 0 ? blocks_ - 1 : r - 1; }

  void cut(std::int64_t r, std::int64_t first, std::int64_t last, bool lower) {
    std::int64_t total = 0;
    const auto weight = [&](std::int64_t s) { return s == late(r) ? 0 : op_.count(r, s); };
    for (std::int64_t s = first; s < last; ++s) total += weight(s);
    std::int64_t begin = first;
    std::int64_t gathered = 0;
    for (std::int64_t s = first; s < last; ++s) {
      gathered += weight(s);
      if (gathered > 0 && (gathered * slots_a_side >= total || s + 1 == last)) {
        slots_[at(r)].push_back({begin, s + 1, lower});
        begin = s + 1;
        gathered = 0;
      }
    }
  }

  bool reads(bool lower, int round) const { return lower || round >= upper_from_; }

  void gather(std::int64_t r, int round, std::int64_t parity) {
    const std::vector<Slot>& slots = slots_[at(r)];
    const auto count = static_cast<std::int64_t>(slots.size());
    for (std::int64_t slot; (slot = next_slot_[at(r)].fetch_add(1)) < count;) {
      const Slot& tiles = slots[at(slot)];
      if (!reads(tiles.lower, round)) continue;
      Value* out = partial_[parity].data() + at(slot) * room_;
      std::fill_n(out, op_.matrix.rows(r) * group_->width, Value{0});
      for (std::int64_t s = tiles.first; s < tiles.last; ++s) {
        if (s != late(r)) op_.tile_pass(r, s, x_, out, group_->panels);
      }
    }
  }

  void add_up(std::int64_t r, int round, std::int64_t parity) {
    next_slot_[at(r)].store(0);
    const std::int64_t length = op_.matrix.rows(r) * group_->width;
    std::fill_n(lower_.begin(), length, Value{0});
    std::fill_n(upper_.begin(), length, Value{0});
    const std::vector<Slot>& slots = slots_[at(r)];
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      if (!reads(slots[slot].lower, round)) continue;
      const Value* partial = partial_[parity].data() + slot * room_;
      Value* sum = slots[slot].lower ? lower_.data() : upper_.data();
      for (std::int64_t p = 0; p < length; ++p) sum[p] += partial[p];
    }
    if (late(r) != r && reads(r > 0, round)) {
      op_.tile_pass(r, late(r), x_, r > 0 ? lower_.data() : upper_.data(), group_->panels);
    }
  }

  const Operator<Value>& op_;
  const std::int64_t blocks_;
  std::vector<std::vector<Slot>> slots_;
  std::vector<std::atomic<std::int64_t>> next_slot_;
  Buffer<Value> partial_[2];  // of this block row and of the one gathered meanwhile
  Buffer<Value> lower_, upper_;
  std::size_t room_ = 0;  // for the sums of one block row
  const Value* x_ = nullptr;
  const Group* group_ = nullptr;
  int upper_from_ = 0;
  // Written by rank 0, read by all after the barrier; rank 0 may then be a step ahead.
  bool go_on_[2] = {true, true};
};

}  // namespace carbonflows
