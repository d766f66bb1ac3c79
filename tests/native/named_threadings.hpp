// Which threads a program of these tests runs on.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "threading/threading.hpp"

namespace cnnfast::testing {

// Those that the arguments name, all that are built in where they name none.
inline std::vector<Threading> named_threadings(int count, char** names) {
  if (count < 2) return threadings();
  std::vector<Threading> named;
  for (int i = 1; i < count; ++i) {
    for (const Threading one : threadings()) {
      if (name_of(one) == names[i]) named.push_back(one);
    }
  }
  if (named.size() + 1 != static_cast<std::size_t>(count)) {
    throw std::invalid_argument("threads must be of a kind that is built in");
  }
  return named;
}

}  // namespace cnnfast::testing
