// Memory of the embedding program: its allocator serves plans and sessions and
// gets everything back; max_memory bounds what they hold.
#include <cstdlib>
#include <map>

#include "tests/capi/nets.h"

namespace aneref {

using test::ChainNet;
using test::Handles;

namespace {

// A caller's allocator that knows what it has given away.
struct Pool {
  std::map<void*, size_t> blocks;
  int count = 0, wrong = 0;
  bool empty = false;
  size_t shift = 0;

  size_t Bytes() const {
    size_t sum = 0;
    for (const auto& [memory, bytes] : blocks) sum += bytes;
    return sum;
  }
  aneref_allocator Allocator() {
    aneref_allocator allocator = aneref_allocator_init();
    allocator.user = this;
    allocator.allocate = [](void* user, size_t bytes,
                            size_t alignment) -> void* {
      auto* from = static_cast<Pool*>(user);
      if (from->empty) return nullptr;
      if (alignment != 64 || bytes % 64 != 0) ++from->wrong;
      void* memory = std::aligned_alloc(alignment, bytes + 64);
      from->blocks[static_cast<char*>(memory) + from->shift] = bytes;
      ++from->count;
      return static_cast<char*>(memory) + from->shift;
    };
    allocator.release = [](void* user, void* memory, size_t bytes, size_t) {
      auto* to = static_cast<Pool*>(user);
      const auto found = to->blocks.find(memory);
      if (found == to->blocks.end() || found->second != bytes) {
        ++to->wrong;
        return;
      }
      to->blocks.erase(found);
      std::free(static_cast<char*>(memory) - to->shift);
    };
    return allocator;
  }
};

}  // namespace

TEST_CASE("capi: the caller's allocator serves tensors and gets all back") {
  Pool pool;
  const aneref_allocator allocator = pool.Allocator();
  const test::Bytes net = ChainNet(2);
  {
    Handles handles(net);
    aneref_session_options options = aneref_session_options_init();
    options.allocator = &allocator;
    aneref_session* session = nullptr;
    handles.Need(aneref_session_create(handles.plan, &options, &session,
                                       &handles.error));
    CHECK_EQ(pool.count, 2);  // tensors, scratch
    handles.Need(aneref_session_run(session, nullptr, &handles.error));
    CHECK_EQ(pool.count, 2);
    CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
    CHECK(pool.blocks.empty());
    pool.shift = 8;  // an address that does not suit
    CHECK_EQ(aneref_session_create(handles.plan, &options, &session, nullptr),
             ANEREF_INVALID_ARGUMENT);
    CHECK(pool.blocks.empty());
    pool.shift = 0;
    pool.empty = true;
    CHECK_EQ(aneref_session_create(handles.plan, &options, &session, nullptr),
             ANEREF_OUT_OF_MEMORY);
  }
  CHECK_EQ(pool.wrong, 0);
}

TEST_CASE("capi: the caller's allocator and limit cover packed weights") {
  // Two convolutions, each with 16 * 16 * 9 weights of two bytes.
  constexpr uint64_t kWeightBytes = 2 * 16 * 16 * 9 * 2;
  const test::Bytes net = ChainNet(2);
  Handles handles(net);
  Pool pool;
  const aneref_allocator allocator = pool.Allocator();
  aneref_plan_options options = aneref_plan_options_init();
  options.allocator = &allocator;
  aneref_plan* plan = nullptr;
  handles.Need(
      aneref_plan_create(handles.model, &options, &plan, &handles.error));
  CHECK(pool.Bytes() >= kWeightBytes);
  aneref_plan_info info = aneref_plan_info_init();
  handles.Need(aneref_plan_get_info(plan, &info, nullptr));
  CHECK(info.constant_bytes >= kWeightBytes);
  CHECK(info.constant_bytes <= pool.Bytes());
  CHECK_EQ(aneref_plan_destroy(plan), ANEREF_OK);
  CHECK(pool.blocks.empty());
  const auto refused = [&] {
    return aneref_plan_create(handles.model, &options, &plan, &handles.error);
  };
  // The second weights as they are read stand beside both packed ones.
  options.max_memory = info.constant_bytes + kWeightBytes / 2;
  CHECK_EQ(refused(), ANEREF_OK);
  CHECK_EQ(aneref_plan_destroy(plan), ANEREF_OK);
  options.max_memory = info.constant_bytes - 1;
  CHECK_EQ(refused(), ANEREF_LIMIT);
  options.max_memory = kWeightBytes / 2;
  CHECK_EQ(refused(), ANEREF_LIMIT);
  CHECK(std::string(handles.error.message).find("packed weights") !=
        std::string::npos);
  options.max_memory = 0;
  pool.shift = 8;
  CHECK_EQ(refused(), ANEREF_INVALID_ARGUMENT);
  pool.shift = 0;
  pool.empty = true;
  CHECK_EQ(refused(), ANEREF_OUT_OF_MEMORY);
  CHECK(pool.blocks.empty());
  CHECK_EQ(pool.wrong, 0);
}

}  // namespace aneref
