// Sessions of drafted nets, and what they hold, for tests of execution.
#ifndef ANEREF_TESTS_SUPPORT_SESSIONS_H_
#define ANEREF_TESTS_SUPPORT_SESSIONS_H_

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/exec/session.h"
#include "tests/support/draft.h"

namespace aneref::test {

// A session that keeps profiles; two threads unless the options say how many.
inline std::unique_ptr<Session> MakeSession(DraftBuilder& net,
                                            SessionOptions options = {}) {
  if (options.threads == 0) options.threads = 2;
  auto session = Session::Create(net.Parse(), options);
  REQUIRE_MESSAGE(session.ok(), session.status().ToString());
  (*session)->EnableProfile(true);
  return std::move(*session);
}

// All rows of a view without their padding, as T.
template <class T>
std::vector<T> RowsOf(const TensorView& view) {
  std::vector<T> values;
  const size_t count =
      static_cast<size_t>(view.width()) * ElementSize(view.dtype) / sizeof(T);
  for (int64_t row = 0; row < view.num_rows(); ++row) {
    const T* first = view.Row<T>(row);
    values.insert(values.end(), first, first + count);
  }
  return values;
}
inline std::vector<uint16_t> BitsOf(const TensorView& view) {
  return RowsOf<uint16_t>(view);
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_SUPPORT_SESSIONS_H_
