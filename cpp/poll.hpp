// Asking the caller now and then whether to stop, from inside a team.
#pragma once

#include <chrono>
#include <exception>
#include <functional>

namespace carbonflows {

// Only rank 0 calls it. An exception is kept until the team has come home.
class Poll {
 public:
  explicit Poll(const std::function<void()>& interrupt) : interrupt_(interrupt) {}

  // Call the interrupt about twenty times a second; return whether to stop.
  bool operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (error_ || now - last_ < std::chrono::milliseconds(50)) return raised();
    last_ = now;
    try {
      interrupt_();
    } catch (...) {
      error_ = std::current_exception();
    }
    return raised();
  }
  bool raised() const { return error_ != nullptr; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const std::function<void()>& interrupt_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  std::exception_ptr error_;
};

}  // namespace carbonflows
