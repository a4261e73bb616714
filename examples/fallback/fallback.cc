// The fallback pattern in C++: one interface, two runners. The app asks the
// device's own runner first and goes on with aneref where there is none, with
// the same call. See fallback.c for the same in C.
// Usage: fallback_cpp MODEL.anem
#include <algorithm>
#include <aneref/aneref.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

using aneref::api::Model;
using aneref::api::Plan;
using aneref::api::Session;
using aneref::api::Tensor;

class Runner {
 public:
  virtual ~Runner() = default;
  virtual const char* name() const = 0;
  // Empty on failure.
  virtual std::vector<float> Predict(const std::vector<float>& in) = 0;
};

// A stand-in: an app puts its device framework's calls here.
class DeviceRunner {
 public:
  static bool IsAvailable() { return false; }
  static std::unique_ptr<Runner> Open(const std::string&) { return nullptr; }
};

class FallbackRunner : public Runner {
 public:
  static std::unique_ptr<Runner> Open(const Model& model) {
    auto plan = Plan::Create(model);
    if (!plan) return nullptr;
    auto in = plan->Port(ANEREF_INPUT, 0), out = plan->Port(ANEREF_OUTPUT, 0);
    auto session = Session::Create(*plan);
    if (!in || !out || !session) return nullptr;
    return std::unique_ptr<Runner>(new FallbackRunner(
        *std::move(session), Shape(in.value()), Shape(out.value())));
  }
  const char* name() const override { return "aneref"; }
  std::vector<float> Predict(const std::vector<float>& in) override {
    size_t count = 1;
    for (const int64_t extent : out_) count *= static_cast<size_t>(extent);
    std::vector<float> out(count);
    auto status = session_.SetInput(0, Tensor(in, in_));
    if (status) status = session_.Run();
    if (status) status = session_.GetOutput(0, Tensor(out, out_));
    if (!status) {
      std::fprintf(stderr, "aneref: %s\n", status.error().message());
      out.clear();
    }
    return out;
  }

 private:
  FallbackRunner(Session session, std::vector<int64_t> in,
                 std::vector<int64_t> out)
      : session_(std::move(session)),
        in_(std::move(in)),
        out_(std::move(out)) {}
  static std::vector<int64_t> Shape(const aneref_port& port) {
    return {port.shape, port.shape + port.rank};
  }
  Session session_;
  std::vector<int64_t> in_, out_;
};

// Whether the engine takes every op: explain rejects none.
bool EngineTakesAll(const Model& model) {
  const auto report = model.Explain();
  return report.ok() &&
         report.value().find("\"severity\": \"reject\"") == std::string::npos;
}

std::unique_ptr<Runner> Open(const std::string& path) {
  auto model = Model::Load(path);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message());
    return nullptr;
  }
  std::unique_ptr<Runner> runner;
  if (DeviceRunner::IsAvailable() && EngineTakesAll(*model))
    runner = DeviceRunner::Open(path);
  if (runner == nullptr) runner = FallbackRunner::Open(*model);
  return runner;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL.anem\n", argv[0]);
    return 2;
  }
  const std::unique_ptr<Runner> runner = Open(argv[1]);
  if (runner == nullptr) return 1;
  std::vector<float> image(28 * 28, 255.0f);  // white paper
  for (size_t y = 5; y < 23; ++y)
    for (size_t x = 13; x < 16; ++x) image[y * 28 + x] = 0.0f;
  const std::vector<float> scores = runner->Predict(image);
  if (scores.empty()) return 1;
  const auto best = std::max_element(scores.begin(), scores.end());
  std::printf("%s: digit %d\n", runner->name(),
              static_cast<int>(best - scores.begin()));
  return 0;
}
