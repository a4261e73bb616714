// Walks a function's block and fills the draft: values by name, constants made
// on demand, compressed weights kept, every other operation through the table.
// Nested blocks are in control.cc, inputs, outputs and states in ports.cc.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_PROGRAM_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_PROGRAM_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/import/coreml/mil/lowering.h"
#include "runtime/import/coreml/model.h"

namespace aneref::coreml::mil {

// Names of one block; inner blocks see outer ones.
struct Scope {
  Scope* outer = nullptr;
  std::map<std::string, Item> items;
};

// The features of the function that is imported.
struct Features {
  std::vector<const FeatureDescription*> inputs, outputs, states;
  std::string predicted, probabilities;  // names of a classifier's outputs
};

class ProgramConverter {
 public:
  ProgramConverter(const Source& source, NetDraft* draft);
  Status Run();

 private:
  // For a body that becomes a graph of its own: names it does not define are
  // looked up in the parent and become extra inputs.
  ProgramConverter(ProgramConverter* parent, Scope* parent_scope,
                   NetDraft* draft);

  // ---- ports.cc ----
  Status ConvertInputs(const Function& function, const Features& features);
  Status ConvertInput(const NamedValueType& input, const Features& features);
  Status ConvertState(const NamedValueType& input);
  Status ConvertOutputs(const Block& block, const Features& features);
  Status AddOutput(const FeatureDescription& feature, const std::string& name);
  void ConvertStatePorts();

  Status ConvertBlock(const Block& block, Scope* scope);
  Status ConvertOperation(const Operation& op, Scope* scope);
  Status ConvertConst(const Operation& op, Scope* scope);
  Status ConvertConstexpr(const Operation& op, Lowering* node, Scope* scope);
  Status ConvertTabled(const Operation& op, Scope* scope);
  Status ConvertState(const Operation& op, Lowering* node, Scope* scope);
  Status ConvertClassify(const Operation& op, Lowering* node, Scope* scope);
  // MIL keeps indices in int32 where the IR has int64: gives the tensor of the
  // declared type under the output's name.
  Status SettleType(const NamedValueType& output, Lowering* node,
                    int32_t* tensor);

  // ---- control.cc ----
  Status ConvertCond(const Operation& op, Scope* scope);
  Status ConvertWhile(const Operation& op, Scope* scope);
  Status Unroll(const Operation& op, Scope* scope,
                std::vector<int32_t>* variables, bool* finished);
  Status EmitLoop(const Operation& op, Scope* scope,
                  const std::vector<int32_t>& variables);
  Status EmitBranch(const Operation& op, Scope* scope, int32_t condition);
  // The block's results with its inputs bound to `arguments`.
  Expected<std::vector<int32_t>> Inline(const Block& block, Scope* outer,
                                        const std::vector<int32_t>& arguments);
  Status ConvertBody(const Operation& op, const Block& block);
  Status ConvertLoopBody(const Operation& op,
                         const std::vector<int32_t>& variables);
  void FinishBody(const std::vector<int32_t>& results);
  Expected<Item*> Capture(const std::string& name);
  Status DefineOutputs(const Operation& op, const std::vector<int32_t>& tensors,
                       Scope* scope);

  Expected<Item*> Lookup(const std::string& name, Scope* scope);
  ItemFinder FinderOf(Scope* scope);
  Lowering MakeLowering(const Operation& op, Scope* scope,
                        std::vector<int32_t> outputs = {});
  Status Define(const std::string& name, Item item, Scope* scope);
  int32_t NewValue(const std::string& name);
  // A value that is fed, of the element type that the precision declares.
  int32_t NewInput(const std::string& name, DataType element,
                   const std::vector<int64_t>& dims);

  const Source& source_;
  Precision precision_;
  EmitContext context_;
  Scope top_;
  // Names in use, with a number that makes the next one unique.
  std::map<std::string, int> used_names_;
  std::vector<std::unique_ptr<Item>> inline_values_;
  std::map<std::string, std::vector<std::string>> labels_;  // by output
  struct StateSlot {
    std::string name;
    int32_t input = -1;
    int32_t current = -1;
  };
  std::vector<StateSlot> states_;
  size_t num_converted_ = 0;
  int depth_ = 0;

  // Bodies only.
  ProgramConverter* parent_ = nullptr;
  Scope* parent_scope_ = nullptr;
  std::vector<int32_t> captured_outer_;
  std::vector<int32_t> captured_inner_;
};

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_PROGRAM_H_
