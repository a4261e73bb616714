// aneref.hpp: handles own, results hold, callbacks arrive once.
#include <atomic>

#include "aneref/aneref.hpp"
#include "tests/capi/nets.h"

namespace aneref {
namespace {

const std::vector<int64_t> kShape = {1, 2, 2, 4};

api::Plan MakePlan() {
  const test::Bytes net = test::AddNet();
  auto model = api::Model::Load(net.data(), net.size());
  REQUIRE(model.ok());
  auto plan = api::Plan::Create(*model);
  REQUIRE(plan.ok());
  return *std::move(plan);
}

}  // namespace

TEST_CASE("capi: a whole run in C++") {
  const api::Plan plan = MakePlan();  // the model's handle is gone
  auto session = api::Session::Create(plan);
  REQUIRE(session.ok());
  const std::vector<float> x(16, 2);
  std::vector<float> y(16);
  CHECK(session->SetInput(0, api::Tensor(x, kShape)).ok());
  CHECK(session->Run().ok());
  CHECK(session->GetOutput(0, api::Tensor(y, kShape)).ok());
  CHECK(y == std::vector<float>(16, 3));
  const auto view = session->ViewOutput(0);
  REQUIRE(view.ok());
  CHECK_EQ(view.value().data<uint16_t>()[0], 0x4200);
}

TEST_CASE("capi: errors are values in C++") {
  auto model = api::Model::Load("/no/such/file.anem");
  REQUIRE(!model.ok());
  CHECK_EQ(model.error().code(), ANEREF_IO);
  CHECK_EQ(std::string(model.error().name()), "io");
  const api::Plan plan = MakePlan();
  auto session = api::Session::Create(plan);
  const std::vector<float> x(5);
  const auto status = session->SetInput(0, api::Tensor(x, {5}));
  REQUIRE(!status);
  CHECK_EQ(status.error().code(), ANEREF_INVALID_ARGUMENT);
  // Moved from: no handle any more.
  api::Session moved = *std::move(session);
  CHECK(moved.Run().ok());
  api::Session other = std::move(moved);
  CHECK_EQ(moved.Run().error().code(),  // NOLINT(bugprone-use-after-move)
           ANEREF_INVALID_HANDLE);
}

TEST_CASE("capi: surfaces are bound in place from C++") {
  const api::Plan plan = MakePlan();
  auto session = api::Session::Create(plan);
  const auto in = plan.Port(ANEREF_INPUT, 0), out = plan.Port(ANEREF_OUTPUT, 0);
  REQUIRE(in.ok());
  auto x = api::Surface::For(in.value()), y = api::Surface::For(out.value());
  REQUIRE(x.ok());
  const auto x_direct = session->BindInput(0, *x);
  const auto y_direct = session->BindOutput(0, *y);
  REQUIRE(x_direct.ok());
  CHECK(x_direct.value());
  CHECK(y_direct.value());
  x->At<uint16_t>(64)[1] = 0x3C00;  // row 1, element 1
  CHECK(session->Run().ok());
  CHECK_EQ(y->At<uint16_t>(64)[1], 0x4000);
  CHECK_EQ(y->At<uint16_t>(64)[0], 0x3C00);
}

TEST_CASE("capi: asynchronous runs call back once in C++") {
  const api::Plan plan = MakePlan();
  std::atomic<int> calls{0};
  std::atomic<aneref_status> code{ANEREF_OK};
  auto session = api::Session::Create(plan);
  CHECK(session->RunAsync([&](api::Status) { ++calls; }).ok());
  CHECK(session->Wait().ok());
  CHECK_EQ(calls, 1);
  aneref_run_options late = aneref_run_options_init();
  late.timeout_ns = 1;
  CHECK(session
            ->RunAsync(
                [&](api::Status status) {
                  ++calls;
                  code = status.ok() ? ANEREF_OK : status.error().code();
                },
                &late)
            .ok());
  CHECK(session->Wait().ok());
  CHECK_EQ(calls, 2);
  CHECK_EQ(code, ANEREF_DEADLINE);
}

}  // namespace aneref
