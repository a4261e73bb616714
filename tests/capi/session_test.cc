// Sessions of the C interface: values copied and bound, states, profiles.
#include <cstdlib>
#include <cstring>

#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::AddNet;
using test::ChainNet;
using test::Dense;
using test::Handles;
using test::NonZeroNet;
using test::SumNet;

const std::vector<int64_t> kShape = {1, 2, 2, 4};

// A surface of [1, 2, 2, 4]: four rows of 64 bytes.
struct Surface {
  alignas(64) uint8_t bytes[256] = {};
  uint16_t& At(size_t i) {
    return reinterpret_cast<uint16_t*>(bytes + i / 4 * 64)[i % 4];
  }
  aneref_tensor Tensor() {
    aneref_tensor tensor =
        aneref_dense(bytes, sizeof(bytes), ANEREF_FLOAT16, 4, kShape.data());
    REQUIRE_EQ(aneref_surface_layout(&tensor, nullptr), ANEREF_OK);
    return tensor;
  }
};

constexpr uint16_t kOne = 0x3C00, kTwo = 0x4000, kThree = 0x4200;

}  // namespace

TEST_CASE("capi: any numeric type goes in and out") {
  Handles handles(AddNet());
  std::vector<double> x = {-5, 0, 1, 2,  3,  4,  5,  6,
                           7,  8, 9, 10, 11, 12, 13, 14};
  std::vector<int32_t> y(16);
  std::vector<uint16_t> bits(16);
  aneref_error error = aneref_error_init();
  const aneref_tensor in = Dense(x, ANEREF_FLOAT64, kShape);
  const aneref_tensor out = Dense(y, ANEREF_INT32, kShape);
  const aneref_tensor half = Dense(bits, ANEREF_FLOAT16, kShape);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &out, &error),
           ANEREF_INVALID_STATE);
  CHECK_EQ(aneref_session_set_input(handles.session, 0, &in, &error),
           ANEREF_OK);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, &error), ANEREF_OK);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &out, &error),
           ANEREF_OK);
  CHECK(y == std::vector<int32_t>(
                 {1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &half, &error),
           ANEREF_OK);
  CHECK_EQ(bits[2], kTwo);
  aneref_tensor view = aneref_tensor_init();
  CHECK_EQ(aneref_session_view_output(handles.session, 0, &view, &error),
           ANEREF_OK);
  CHECK_EQ(view.dtype, ANEREF_FLOAT16);
  CHECK_EQ(view.byte_strides[2], 64);
  CHECK_EQ(view.data_bytes, 3 * 64 + 8);
  CHECK_EQ(static_cast<uint16_t*>(view.data)[3], kThree);
  // Shapes must be the port's.
  const aneref_tensor flat = Dense(x, ANEREF_FLOAT64, {16});
  CHECK_EQ(aneref_session_set_input(handles.session, 0, &flat, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &flat, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_set_input(handles.session, 1, &in, &error),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_get_output(handles.session, 1, &in, &error),
           ANEREF_INVALID_ARGUMENT);
  // Into the output's own memory.
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &view, &error),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: tensors that cannot be read are refused") {
  Handles handles(AddNet());
  std::vector<float> x(16);
  const aneref_tensor good = Dense(x, ANEREF_FLOAT32, kShape);
  const auto set = [&](const aneref_tensor& tensor) {
    return aneref_session_set_input(handles.session, 0, &tensor, nullptr);
  };
  CHECK_EQ(set(good), ANEREF_OK);
  CHECK_EQ(aneref_session_set_input(handles.session, 0, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
  aneref_tensor bad = good;
  bad.data_bytes = 63;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.data = nullptr;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.data = reinterpret_cast<char*>(x.data()) + 2;
  bad.data_bytes = 62;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.dtype = 12;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.rank = -1;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.rank = 9;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.shape[0] = -1;
  CHECK_EQ(set(bad), ANEREF_SHAPE);
  bad = good;
  bad.shape[0] = int64_t{1} << 62;
  CHECK_EQ(set(bad), ANEREF_LIMIT);
  bad = good;
  bad.byte_strides[3] = 4;
  bad.byte_strides[2] = INT64_MAX - 3;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad.byte_strides[2] = -16;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad.byte_strides[2] = 18;  // no multiple of 4
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  bad = good;
  bad.struct_size = 0;
  CHECK_EQ(set(bad), ANEREF_INVALID_ARGUMENT);
  // A stride of 0 repeats elements: for reading, never for writing.
  float one = 1;
  aneref_tensor repeated =
      aneref_dense(&one, 4, ANEREF_FLOAT32, 4, kShape.data());
  repeated.byte_strides[3] = 4;
  repeated.shape[3] = 1;
  CHECK_EQ(set(repeated), ANEREF_INVALID_ARGUMENT);  // another shape
  float row[4] = {1, 2, 3, 4};
  repeated = aneref_dense(row, sizeof(row), ANEREF_FLOAT32, 4, kShape.data());
  repeated.byte_strides[3] = 4;
  CHECK_EQ(set(repeated), ANEREF_OK);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &repeated, nullptr),
           ANEREF_INVALID_ARGUMENT);
  std::vector<float> y(16);
  const aneref_tensor out = Dense(y, ANEREF_FLOAT32, kShape);
  CHECK_EQ(aneref_session_get_output(handles.session, 0, &out, nullptr),
           ANEREF_OK);
  CHECK(y ==
        std::vector<float>({2, 3, 4, 5, 2, 3, 4, 5, 2, 3, 4, 5, 2, 3, 4, 5}));
}

TEST_CASE("capi: surfaces are bound in place and others cost a pass") {
  Handles handles(AddNet());
  Surface in, out;
  const aneref_tensor x = in.Tensor(), y = out.Tensor();
  int32_t direct = 7;
  REQUIRE_EQ(
      aneref_session_bind_input(handles.session, 0, &x, &direct, nullptr),
      ANEREF_OK);
  CHECK_EQ(direct, 1);
  REQUIRE_EQ(
      aneref_session_bind_output(handles.session, 0, &y, &direct, nullptr),
      ANEREF_OK);
  CHECK_EQ(direct, 1);
  for (const uint16_t value : {kOne, kTwo}) {
    for (size_t i = 0; i < 16; ++i) in.At(i) = value;
    CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
    for (size_t i = 0; i < 16; ++i)
      CHECK_EQ(out.At(i), value == kOne ? kTwo : kThree);
    for (size_t i = 0; i < 16; ++i) CHECK_EQ(in.At(i), value);
  }
  // Channels last, float32, in and out.
  std::vector<float> image(16), result(16);
  for (size_t i = 0; i < 16; ++i) image[i] = static_cast<float>(i);
  aneref_tensor last = Dense(image, ANEREF_FLOAT32, kShape);
  last.byte_strides[0] = 64;
  last.byte_strides[1] = 4;
  last.byte_strides[2] = 32;
  last.byte_strides[3] = 8;
  aneref_tensor to = last;
  to.data = result.data();
  REQUIRE_EQ(
      aneref_session_bind_input(handles.session, 0, &last, &direct, nullptr),
      ANEREF_OK);
  CHECK_EQ(direct, 0);
  REQUIRE_EQ(
      aneref_session_bind_output(handles.session, 0, &to, &direct, nullptr),
      ANEREF_OK);
  CHECK_EQ(direct, 0);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
  for (size_t i = 0; i < 16; ++i)
    CHECK_EQ(result[i], static_cast<float>(i) + 1);
  for (size_t i = 0; i < 16; ++i) CHECK_EQ(out.At(i), kThree);  // let go
  // Unbound: the session's own memory again.
  REQUIRE_EQ(
      aneref_session_bind_output(handles.session, 0, nullptr, nullptr, nullptr),
      ANEREF_OK);
  result.assign(16, 0);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
  CHECK(result == std::vector<float>(16, 0));
  // Setting a bound input lets the buffer go.
  REQUIRE_EQ(
      aneref_session_bind_input(handles.session, 0, &x, &direct, nullptr),
      ANEREF_OK);
  std::vector<float> other(16, 9);
  const aneref_tensor nine = Dense(other, ANEREF_FLOAT32, kShape);
  CHECK_EQ(aneref_session_set_input(handles.session, 0, &nine, nullptr),
           ANEREF_OK);
  CHECK_EQ(in.At(0), kTwo);
}

TEST_CASE("capi: buffers that must not be bound") {
  Handles handles(AddNet());
  Surface both;
  const aneref_tensor tensor = both.Tensor();
  REQUIRE_EQ(
      aneref_session_bind_input(handles.session, 0, &tensor, nullptr, nullptr),
      ANEREF_OK);
  CHECK_EQ(
      aneref_session_bind_output(handles.session, 0, &tensor, nullptr, nullptr),
      ANEREF_INVALID_ARGUMENT);  // overlaps the input
  std::vector<float> wrong(16);
  const aneref_tensor flat = Dense(wrong, ANEREF_FLOAT32, {4, 4});
  CHECK_EQ(
      aneref_session_bind_output(handles.session, 0, &flat, nullptr, nullptr),
      ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(
      aneref_session_bind_output(handles.session, 1, &flat, nullptr, nullptr),
      ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(
      aneref_session_bind_input(handles.session, 9, &flat, nullptr, nullptr),
      ANEREF_INVALID_ARGUMENT);
  float one = 1;
  aneref_tensor repeated =
      aneref_dense(&one, 4, ANEREF_FLOAT32, 4, kShape.data());
  repeated.byte_strides[0] = 4;
  CHECK_EQ(aneref_session_bind_output(handles.session, 0, &repeated, nullptr,
                                      nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("A8: placement and strides and threads change no bit") {
  const test::Bytes net = ChainNet(3, 64);
  std::vector<float> x(16 * 64 * 64);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i % 37) / 8 - 2;
  const std::vector<int64_t> shape = {1, 16, 64, 64};
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, shape);
  std::vector<uint16_t> expected(x.size());
  {
    Handles handles(net);
    const aneref_tensor out = Dense(expected, ANEREF_FLOAT16, shape);
    handles.Need(aneref_session_set_input(handles.session, 0, &in, nullptr));
    handles.Need(aneref_session_run(handles.session, nullptr, nullptr));
    handles.Need(aneref_session_get_output(handles.session, 0, &out, nullptr));
  }
  // Threads of the caller, last part first; buffers of the caller.
  Handles handles(net);
  aneref_executor executor = aneref_executor_init();
  int num_parts = 0;
  executor.user = &num_parts;
  executor.num_threads = 5;
  executor.run = [](void* user, int32_t count, void (*part)(void*, int32_t),
                    void* context) {
    *static_cast<int*>(user) += count;
    for (int32_t i = count; i-- > 0;) part(context, i);
  };
  aneref_session_options options = aneref_session_options_init();
  options.executor = &executor;
  aneref_session* session = nullptr;
  handles.Need(
      aneref_session_create(handles.plan, &options, &session, &handles.error));
  std::vector<uint16_t> result(x.size());
  const aneref_tensor out = Dense(result, ANEREF_FLOAT16, shape);
  handles.Need(
      aneref_session_bind_input(session, 0, &in, nullptr, &handles.error));
  handles.Need(
      aneref_session_bind_output(session, 0, &out, nullptr, &handles.error));
  handles.Need(aneref_session_run(session, nullptr, &handles.error));
  CHECK(result == expected);
  CHECK(num_parts >= 2 * 3);
  CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
}

TEST_CASE("capi: executors are checked") {
  Handles handles(ChainNet(1, 64));
  aneref_session* session = nullptr;
  aneref_session_options options = aneref_session_options_init();
  aneref_executor executor = aneref_executor_init();
  options.executor = &executor;
  const auto create = [&] {
    return aneref_session_create(handles.plan, &options, &session, nullptr);
  };
  executor.num_threads = 2;
  CHECK_EQ(create(), ANEREF_INVALID_ARGUMENT);  // without run
  executor.run = [](void*, int32_t, void (*)(void*, int32_t), void*) {};
  executor.num_threads = 0;
  CHECK_EQ(create(), ANEREF_INVALID_ARGUMENT);
  executor.num_threads = 100000;
  CHECK_EQ(create(), ANEREF_INVALID_ARGUMENT);
  // One that runs nothing is found out.
  executor.num_threads = 2;
  REQUIRE_EQ(create(), ANEREF_OK);
  CHECK_EQ(aneref_session_run(session, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
  options = aneref_session_options_init();
  options.threads = -1;
  CHECK_EQ(create(), ANEREF_INVALID_ARGUMENT);
  options.threads = 100000;
  CHECK_EQ(create(), ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_create(handles.plan, nullptr, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: states go on from run to run") {
  Handles handles(SumNet());
  std::vector<float> x = {1, 2, 3, 4}, total(4), sum(4);
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {4});
  const aneref_tensor state = Dense(total, ANEREF_FLOAT32, {4});
  const aneref_tensor out = Dense(sum, ANEREF_FLOAT32, {4});
  size_t count = 0, index = 7;
  handles.Need(aneref_session_num_ports(handles.session, ANEREF_STATE, &count,
                                        &handles.error));
  CHECK_EQ(count, 1);
  handles.Need(aneref_session_num_ports(handles.session, ANEREF_INPUT, &count,
                                        &handles.error));
  CHECK_EQ(count, 1);
  handles.Need(aneref_session_find_port(handles.session, ANEREF_STATE, "total",
                                        &index, &handles.error));
  CHECK_EQ(index, 0);
  handles.Need(
      aneref_session_set_input(handles.session, 0, &in, &handles.error));
  for (int i = 0; i < 3; ++i)
    handles.Need(aneref_session_run(handles.session, nullptr, &handles.error));
  handles.Need(
      aneref_session_get_output(handles.session, 0, &out, &handles.error));
  CHECK(sum == std::vector<float>({3, 6, 9, 12}));
  handles.Need(
      aneref_session_get_state(handles.session, 0, &state, &handles.error));
  CHECK(total == std::vector<float>({3, 6, 9, 12}));
  total = {10, 10, 10, 10};
  handles.Need(
      aneref_session_set_state(handles.session, 0, &state, &handles.error));
  handles.Need(aneref_session_run(handles.session, nullptr, &handles.error));
  handles.Need(
      aneref_session_get_output(handles.session, 0, &out, &handles.error));
  CHECK(sum == std::vector<float>({11, 12, 13, 14}));
  handles.Need(aneref_session_reset_states(handles.session, &handles.error));
  handles.Need(
      aneref_session_get_state(handles.session, 0, &state, &handles.error));
  CHECK(total == std::vector<float>({0, 0, 0, 0}));
  CHECK_EQ(aneref_session_set_state(handles.session, 1, &state, nullptr),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_get_state(handles.session, 1, &state, nullptr),
           ANEREF_INVALID_ARGUMENT);
}

TEST_CASE("capi: outputs whose shapes depend on data") {
  Handles handles(NonZeroNet());
  aneref_plan_info info = aneref_plan_info_init();
  handles.Need(aneref_plan_get_info(handles.plan, &info, &handles.error));
  CHECK_EQ(info.is_static, 0);
  aneref_port port = aneref_port_init();
  handles.Need(aneref_session_port(handles.session, ANEREF_OUTPUT, 0, &port,
                                   &handles.error));
  CHECK_EQ(port.rank, -1);
  std::vector<float> x = {0, 5, 0, 7};
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {4});
  CHECK_EQ(aneref_session_bind_input(handles.session, 0, &in, nullptr, nullptr),
           ANEREF_UNSUPPORTED);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr),
           ANEREF_INVALID_ARGUMENT);  // the input was not set
  handles.Need(
      aneref_session_set_input(handles.session, 0, &in, &handles.error));
  handles.Need(aneref_session_run(handles.session, nullptr, &handles.error));
  handles.Need(aneref_session_port(handles.session, ANEREF_OUTPUT, 0, &port,
                                   &handles.error));
  CHECK_EQ(port.rank, 2);
  CHECK_EQ(port.shape[1], 2);
  std::vector<int64_t> indices(2);
  const aneref_tensor out = Dense(indices, ANEREF_INT64, {1, 2});
  handles.Need(
      aneref_session_get_output(handles.session, 0, &out, &handles.error));
  CHECK(indices == std::vector<int64_t>({1, 3}));
}

TEST_CASE("capi: intermediate values are readable when they are kept") {
  aneref_plan_options options = aneref_plan_options_init();
  options.keep_intermediates = 1;
  Handles handles(AddNet(), &options), without(AddNet());
  std::vector<float> x(16, -3);
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, kShape);
  size_t count = 0;
  CHECK_EQ(aneref_session_num_values(handles.session, &count, nullptr),
           ANEREF_INVALID_STATE);
  handles.Need(
      aneref_session_set_input(handles.session, 0, &in, &handles.error));
  handles.Need(aneref_session_run(handles.session, nullptr, &handles.error));
  handles.Need(
      aneref_session_num_values(handles.session, &count, &handles.error));
  REQUIRE_EQ(count, 2);
  const char* name = nullptr;
  aneref_tensor view = aneref_tensor_init();
  handles.Need(
      aneref_session_value(handles.session, 0, &name, &view, &handles.error));
  CHECK_EQ(static_cast<uint16_t*>(view.data)[0], 0);  // relu(-3)
  handles.Need(
      aneref_session_value(handles.session, 1, &name, &view, &handles.error));
  CHECK_EQ(static_cast<uint16_t*>(view.data)[0], kOne);
  CHECK_EQ(aneref_session_value(handles.session, 2, &name, &view, nullptr),
           ANEREF_INVALID_ARGUMENT);
  CHECK_EQ(aneref_session_run(without.session, nullptr, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_session_num_values(without.session, &count, nullptr),
           ANEREF_INVALID_STATE);
}

TEST_CASE("capi: profiles and what a session holds") {
  Handles handles(AddNet());
  size_t count = 0;
  handles.Need(aneref_session_enable_profile(handles.session, 1, nullptr));
  handles.Need(aneref_session_run(handles.session, nullptr, nullptr));
  handles.Need(
      aneref_session_num_profile_rows(handles.session, &count, nullptr));
  REQUIRE_EQ(count, 2);
  aneref_profile_row row = aneref_profile_row_init();
  handles.Need(aneref_session_profile_row(handles.session, 0, &row, nullptr));
  CHECK_EQ(std::string(row.op), "relu");
  CHECK(row.seconds > 0);
  CHECK_EQ(aneref_session_profile_row(handles.session, 2, &row, nullptr),
           ANEREF_INVALID_ARGUMENT);
  aneref_session_info info = aneref_session_info_init();
  handles.Need(aneref_session_get_info(handles.session, &info, nullptr));
  CHECK_EQ(info.num_runs, 1);
  CHECK_EQ(info.threads, 1);
  CHECK(info.arena_bytes >= 512);  // x, and the result in place
}

}  // namespace aneref
