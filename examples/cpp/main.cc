// The smallest use of aneref from C++17: as examples/c, with owners and
// results. Usage: digits_cpp MODEL.anem
#include <algorithm>
#include <aneref/aneref.hpp>
#include <cstdio>
#include <vector>

namespace {

constexpr int64_t kSide = 28, kClasses = 10;

int Fail(const aneref::api::Error& error) {
  std::fprintf(stderr, "%s [%s]\n", error.message(), error.name());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace aneref::api;  // NOLINT
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL.anem\n", argv[0]);
    return 2;
  }
  auto model = Model::Load(argv[1]);
  if (!model) return Fail(model.error());
  auto plan = Plan::Create(*model);
  if (!plan) return Fail(plan.error());
  auto session = Session::Create(*plan);
  if (!session) return Fail(session.error());

  // A black stroke on white paper: a one, drawn by hand.
  std::vector<float> image(kSide * kSide, 255.0f), scores(kClasses);
  for (int y = 5; y < 23; ++y)
    for (int x = 13; x < 16; ++x)
      image[static_cast<size_t>(y * kSide + x)] = 0.0f;

  auto status = session->SetInput(0, Tensor(image, {1, 1, kSide, kSide}));
  if (status) status = session->Run();
  if (status) status = session->GetOutput(0, Tensor(scores, {1, kClasses}));
  if (!status) return Fail(status.error());
  const auto best = std::max_element(scores.begin(), scores.end());
  std::printf("digit %d, score %.4f\n", static_cast<int>(best - scores.begin()),
              static_cast<double>(*best));
  return 0;
}
