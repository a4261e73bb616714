// Builds small ONNX models by hand, imports them through a file, and looks at
// the network that comes out.
#ifndef ANEREF_TESTS_IMPORT_MODEL_BUILDER_H_
#define ANEREF_TESTS_IMPORT_MODEL_BUILDER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/graph/net.h"
#include "runtime/import/importer.h"
#include "runtime/import/onnx/proto.h"

namespace aneref::test {

// A folder under /tmp that goes with the object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

class ModelBuilder {
 public:
  explicit ModelBuilder(int64_t opset = 13);
  onnx::ModelProto& model() { return model_; }
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }

  void Input(const std::string& name, const std::vector<int64_t>& dims,
             int32_t type = 1);
  void Output(const std::string& name);
  onnx::TensorProto* Floats(const std::string& name,
                            const std::vector<int64_t>& dims,
                            const std::vector<float>& values);
  onnx::TensorProto* Ints(const std::string& name,
                          const std::vector<int64_t>& dims,
                          const std::vector<int64_t>& values);
  onnx::TensorProto* Tensor(const std::string& name, int32_t type,
                            const std::vector<int64_t>& dims);
  onnx::NodeProto* Node(const std::string& op,
                        const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        const std::string& name = "");

 private:
  onnx::ModelProto model_;
};

onnx::NodeProto MakeNode(const std::string& op,
                         const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs,
                         const std::string& name = "");
onnx::AttributeProto* SetInt(onnx::NodeProto* node, const std::string& name,
                             int64_t value);
void SetFloat(onnx::NodeProto* node, const std::string& name, float value);
void SetString(onnx::NodeProto* node, const std::string& name,
               const std::string& value);
void SetInts(onnx::NodeProto* node, const std::string& name,
             const std::vector<int64_t>& values);
void SetFloats(onnx::NodeProto* node, const std::string& name,
               const std::vector<float>& values);

struct Imported {
  Status status;
  std::shared_ptr<const Net> file;
  fbs::NetT net;  // unpacked

  const fbs::GraphT& graph() const { return *net.graphs[0]; }
  const fbs::TensorT* Find(
      const std::string& name) const;  // null when there is none
  const fbs::NodeT& NodeAt(size_t i) const { return *graph().nodes[i]; }
  size_t num_nodes() const { return graph().nodes.size(); }
  // Names of the node's inputs, "" for absent or unnamed ones.
  std::vector<std::string> InputNames(size_t node) const;
  std::string OutputName(size_t node) const;
  // Elements of a constant, widened; empty when the tensor is none.
  std::vector<double> Values(const std::string& name) const;
  std::vector<double> ValuesOf(int32_t tensor) const;
  DataType Stored(const std::string& name) const;
};
Imported Import(const onnx::ModelProto& model,
                const ImportOptions& options = {});
Imported ImportPath(const std::string& path, const ImportOptions& options = {});
// Runs the imported network in fp32 numerics on float inputs; one vector per
// output.
std::vector<std::vector<float>> Evaluate(
    const Imported& imported,
    const std::map<std::string, std::vector<float>>& inputs);

inline ImportOptions SourceTypes() {
  ImportOptions options;
  options.precision = Precision::kSource;
  return options;
}
inline ImportOptions Unfolded() {
  ImportOptions options;
  options.fold = false;
  return options;
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_IMPORT_MODEL_BUILDER_H_
