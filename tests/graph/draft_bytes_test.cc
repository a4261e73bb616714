// draft_bytes.h: bytes of their own and repeated elements.
#include "runtime/graph/draft_bytes.h"

#include <doctest/doctest.h>

namespace aneref {
namespace {

using Vector = DraftBytes::Vector;

constexpr std::byte kOne{1}, kTwo{2};

TEST_CASE("draft bytes: a repeated element is in memory once asked for") {
  const DraftBytes bytes = DraftBytes::Repeated({kOne, kTwo}, 6);
  CHECK(bytes.is_repeated());
  CHECK(bytes.is_deferred());
  CHECK(bytes.size() == 6);
  CHECK_FALSE(bytes.empty());
  CHECK(bytes.element() == Vector{kOne, kTwo});
  CHECK(bytes.is_repeated());
  CHECK(bytes.raw().size() == 6);
  CHECK_FALSE(bytes.is_repeated());
  CHECK(bytes.vector() == Vector{kOne, kTwo, kOne, kTwo, kOne, kTwo});
}

TEST_CASE("draft bytes: a copy is repeated on its own") {
  const DraftBytes bytes = DraftBytes::Repeated({kOne}, 3);
  DraftBytes copy = bytes;
  copy.data()[1] = kTwo;
  CHECK(copy.vector() == Vector{kOne, kTwo, kOne});
  CHECK(bytes.is_repeated());
  CHECK(bytes[2] == kOne);
}

TEST_CASE("draft bytes: release and resize") {
  DraftBytes bytes = DraftBytes::Repeated({kTwo}, 4);
  bytes.resize(2);
  CHECK(bytes.vector() == Vector{kTwo, kTwo});
  bytes = DraftBytes::Repeated({kTwo}, 4);
  bytes.Release();
  CHECK(bytes.empty());
  CHECK_FALSE(bytes.is_deferred());
}

}  // namespace
}  // namespace aneref
