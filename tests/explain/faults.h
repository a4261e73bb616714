// Faults that are planted into dumps: each changes one op's result as a real
// mistake would, independent of the library that must recognise it where that
// is possible at all.
#ifndef ANEREF_TESTS_EXPLAIN_FAULTS_H_
#define ANEREF_TESTS_EXPLAIN_FAULTS_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/explain/replay.h"

namespace aneref::test {

// An op at which a fault may be planted.
struct FaultSite {
  Replay* replay = nullptr;
  size_t step = 0;
  const fbs::Node* node = nullptr;
  HostValues in;
  Shape shape;
  std::vector<double> out;  // the right result
  Arithmetic arithmetic;
};

struct Fault {
  const char* id;
  // The quirk that must be blamed; empty: none is the cause.
  const char* blame;
  const char* what;
  // The faulty result; empty where the fault does not apply.
  std::function<std::vector<double>(const FaultSite&)> plant;
};

std::span<const Fault> AllFaults();

// A network that a fault can be planted into where the corpora have no place.
struct BuiltNetwork {
  std::string name;
  std::shared_ptr<const Net> net;
  std::vector<int64_t> input_shape;
  std::vector<double> input;
};
std::vector<BuiltNetwork> BuiltNetworks();

}  // namespace aneref::test

#endif  // ANEREF_TESTS_EXPLAIN_FAULTS_H_
