// A camera's loop: frames arrive in two buffers by turns, the network reads
// them where they are and writes its result where the app wants it. Nothing is
// allocated per frame (malloc is counted), and the spread of the latency is
// printed.   Usage: camera MODEL.anem [FRAMES]
#include <algorithm>
#include <aneref/aneref.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#if defined(__GLIBC__)
namespace {
std::atomic<long> num_allocations{0};
}  // namespace
extern "C" {
void* __libc_malloc(size_t size);
void* malloc(size_t size) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
}
#else
namespace {
std::atomic<long> num_allocations{0};
}  // namespace
#endif

namespace {

using aneref::api::Model;
using aneref::api::Plan;
using aneref::api::Session;
using aneref::api::Surface;

int Fail(const aneref::api::Error& error) {
  std::fprintf(stderr, "%s [%s]\n", error.message(), error.name());
  return 1;
}

// What a driver would have put there.
void FillFrame(int frame, const Surface& surface) {
  auto* bits = static_cast<uint16_t*>(surface.raw()->data);
  for (size_t i = 0; i < surface.raw()->data_bytes / 2; ++i)
    bits[i] = static_cast<uint16_t>(0x3000 + (i * 7 + size_t(frame)) % 0x800);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL.anem [FRAMES]\n", argv[0]);
    return 2;
  }
  const int num_frames = argc > 2 ? std::max(1, std::atoi(argv[2])) : 200;
  auto model = Model::Load(argv[1]);
  if (!model) return Fail(model.error());
  auto plan = Plan::Create(*model);
  if (!plan) return Fail(plan.error());
  auto session = Session::Create(*plan);
  if (!session) return Fail(session.error());
  auto in = plan->Port(ANEREF_INPUT, 0), out = plan->Port(ANEREF_OUTPUT, 0);
  if (!in || !out) return 1;
  auto front = Surface::For(in.value()), back = Surface::For(in.value());
  auto result = Surface::For(out.value());
  if (!front || !back || !result) return 1;
  const auto direct = session->BindOutput(0, *result);
  if (!direct.ok()) return Fail(direct.error());

  constexpr int kWarmUp = 20;
  std::vector<double> milliseconds(static_cast<size_t>(num_frames));
  long before = 0;
  for (int frame = -kWarmUp; frame < num_frames; ++frame) {
    if (frame == 0) before = num_allocations.load();
    const Surface& now = frame % 2 == 0 ? *front : *back;
    FillFrame(frame, now);
    const auto start = std::chrono::steady_clock::now();
    const auto bound = session->BindInput(0, now);
    if (!bound.ok()) return Fail(bound.error());
    const auto status = session->Run();
    if (!status.ok()) return Fail(status.error());
    if (frame >= 0) {
      milliseconds[static_cast<size_t>(frame)] =
          std::chrono::duration<double, std::milli>(
              std::chrono::steady_clock::now() - start)
              .count();
    }
  }
  const long allocations = num_allocations.load() - before;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double share) {
    return milliseconds[static_cast<size_t>(
        share * static_cast<double>(num_frames - 1))];
  };
  std::printf("%d frames: p50 %.3f ms, p99 %.3f ms, p99/p50 %.3f\n", num_frames,
              at(0.5), at(0.99), at(0.99) / at(0.5));
  std::printf("%ld allocations\n", allocations);
  return allocations == 0 ? 0 : 1;
}
