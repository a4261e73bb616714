// Fuzz target: any bytes as an .anem file. Parse, and when the net is accepted
// make a session and run it once, all within limits. Only Status may come back:
// no crash, no hang, no unchecked allocation.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/exec/session.h"
#include "runtime/graph/net.h"

namespace aneref {
namespace {

constexpr uint64_t kMaxMemory = 8 << 20;
constexpr double kMaxFlops = 2e7;

void Exercise(const std::shared_ptr<const Net>& net, Numerics numerics) {
  SessionOptions options;
  options.numerics = numerics;
  options.threads = 1;
  options.max_memory = kMaxMemory;
  const fbs::Graph& graph = net->main_graph();
  if (graph.inputs() != nullptr) {  // dynamic extents become 3
    for (const fbs::Port* port : *graph.inputs()) {
      const fbs::Tensor& tensor =
          *graph.tensors()->Get(static_cast<unsigned>(port->tensor()));
      std::vector<int64_t> dims;
      if (tensor.shape() != nullptr)
        dims.assign(tensor.shape()->begin(), tensor.shape()->end());
      bool dynamic = false;
      for (int64_t& dim : dims) {
        dynamic |= dim < 0;
        if (dim < 0) dim = 3;
      }
      if (dynamic && tensor.name() != nullptr)
        options.input_shapes[tensor.name()->str()] = Shape(dims);
    }
  }
  const auto session = Session::Create(net, options);
  if (!session.ok()) return;
  double flops = 0;
  for (const TaskProfile& task : (*session)->profile()) flops += task.flops;
  if (flops < kMaxFlops) (void)(*session)->Run().ok();
}

}  // namespace
}  // namespace aneref

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  const auto net =
      aneref::Net::Parse(aneref::File::FromBuffer(std::move(bytes)), "fuzz");
  if (!net.ok()) return 0;
  aneref::Exercise(*net, aneref::Numerics::kPortable);
  aneref::Exercise(*net, aneref::Numerics::kFp32);
  return 0;
}
