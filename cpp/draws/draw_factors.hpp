// The factors of many cells at once: their words, shapes and products.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "carbonflows/draws.hpp"

namespace carbonflows {

// Which of a cell's errors a stream of words makes: all, or what years have in common, or the rest.
enum class Share { whole, common, own };

// Shapes of a run of cells; most runs have one deviation.
class Shapes {
 public:
  Shapes(const Draw& draw, Share share) : draw_(draw), share_(share) {}
  void fill(const double* deviations, std::int64_t count, float* a, float* b) {
    for (std::int64_t k = 0; k < count; ++k) {
      if (deviations[k] != last_) {
        last_ = deviations[k];
        shape_ = shape_of(draw_.distribution, part_of(last_));
      }
      a[k] = shape_.a;
      b[k] = shape_.b;
    }
  }

 private:
  // The product of two factors with 1 + ρd² and (1 + d²) / (1 + ρd²) as means of their squares has
  // the deviation d, and ρd² is its covariance with that of another year: the correlation is ρ.
  double part_of(double deviation) const {
    if (share_ == Share::whole) return deviation;
    const double common = std::sqrt(draw_.correlation) * deviation;
    if (share_ == Share::common) return common;
    return deviation * std::sqrt((1.0 - draw_.correlation) / (1.0 + common * common));
  }

  Draw draw_;
  Share share_;
  double last_ = 0.0;
  Shape shape_{0.0F, 0.0F};
};

// The factors of the cells of a row: of one stream of words, or the products of two. They are made
// together, for each takes long and none waits for another.
class Factors {
 public:
  // For cells at `columns` positions, `room` of them at most; all with one deviation, or each with
  // its own.
  Factors(const Draw& draw, const DrawKernels& kernels, std::int64_t columns, std::int64_t room,
          double everywhere)
      : kernels_(kernels), columns_(columns) {
    const auto size = at((room + 15) / 16 * 16);
    Draw common = draw;
    common.year = 0;
    const auto add = [&](const Draw& made, Share share) {
      streams_.push_back({.draw = made,
                          .shapes = Shapes(made, share),
                          .words = std::vector<std::uint32_t>(at(columns + 8)),
                          .word = std::vector<std::uint32_t>(size),
                          .a = std::vector<float>(size),
                          .b = std::vector<float>(size),
                          .factor = std::vector<float>(size)});
    };
    if (draw.correlation == 0.0) {
      add(draw, Share::whole);
    } else if (draw.correlation == 1.0) {
      add(common, Share::whole);
    } else {
      add(common, Share::common);
      add(draw, Share::own);
    }
    const std::vector<double> all(size, everywhere);
    for (Stream& one : streams_) {
      one.shapes.fill(all.data(), static_cast<std::int64_t>(size), one.a.data(), one.b.data());
    }
  }

  // Begin a row whose first cell has this position in the table.
  void begin(std::uint64_t position) {
    first_ = static_cast<std::int64_t>(position % 4);
    count_ = 0;
    for (Stream& one : streams_) {
      kernels_.words(one.draw, position / 4, (first_ + columns_ + 3) / 4, one.words.data());
    }
  }

  // Take the cells that are place(0), place(1), … from there on, with deviations or without.
  template <class Place>
  void add(std::int64_t count, Place place, const double* deviations) {
    for (Stream& one : streams_) {
      const std::uint32_t* words = one.words.data() + first_;
      std::uint32_t* to = one.word.data() + count_;
      for (std::int64_t k = 0; k < count; ++k) to[k] = words[place(k)];
      if (deviations != nullptr) {
        one.shapes.fill(deviations, count, one.a.data() + count_, one.b.data() + count_);
      }
    }
    count_ += count;
  }

  // The factors of all cells that were added.
  const float* make() {
    for (Stream& one : streams_) {
      kernels_.factors(one.draw.distribution, count_, one.word.data(), one.a.data(), one.b.data(),
                       one.factor.data());
    }
    std::vector<float>& found = streams_.front().factor;
    for (std::size_t other = 1; other < streams_.size(); ++other) {
      const std::vector<float>& more = streams_[other].factor;
      for (std::int64_t k = 0; k < count_; ++k) found[at(k)] *= more[at(k)];
    }
    return found.data();
  }

  std::int64_t count() const { return count_; }

 private:
  struct Stream {
    Draw draw;
    Shapes shapes;
    std::vector<std::uint32_t> words;  // of a row of the table
    std::vector<std::uint32_t> word;   // of each cell
    std::vector<float> a, b, factor;
  };
  const DrawKernels& kernels_;
  std::int64_t columns_;
  std::int64_t first_ = 0;  // the word of the first cell
  std::int64_t count_ = 0;
  std::vector<Stream> streams_;
};

}  // namespace carbonflows
