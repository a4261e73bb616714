// See sequence.h.
#include "tools/sequence.h"

#include <algorithm>
#include <cstring>

#include "tools/atomic_file.h"
#include "tools/npz.h"

namespace aneref::tool {
namespace {

Expected<size_t> IndexOf(const std::string& option, const std::string& name,
                         const std::vector<PortSpec>& ports) {
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) return i;
  }
  return InvalidArgument(option + ": the model has no '" + name + "'");
}

// OUTPUT=INPUT; names may hold '=', so every split is tried.
Expected<std::pair<size_t, size_t>> ParseLink(
    const std::string& text, const std::vector<PortSpec>& inputs,
    const std::vector<PortSpec>& outputs) {
  for (size_t at = text.find('='); at != std::string::npos;
       at = text.find('=', at + 1)) {
    const auto output = IndexOf("--link", text.substr(0, at), outputs);
    const auto input = IndexOf("--link", text.substr(at + 1), inputs);
    if (output.ok() && input.ok()) return std::pair(*output, *input);
  }
  return InvalidArgument("--link '" + text +
                         "' is no OUTPUT=INPUT of this model");
}

}  // namespace

void SequenceArgs::Declare(CLI::App* app) {
  app->add_option("--state-in", state_in,
                  "Begin with these states (default: zeros)")
      ->type_name("FILE.npz");
  app->add_option("--state-out", state_out, "Write the states after the run")
      ->type_name("FILE.npz");
  app->add_option("--sequence", sequence,
                  "The first axis of this input holds steps, fed one by one; "
                  "outputs are stacked (repeatable)")
      ->type_name("NAME");
  app->add_option("--link", link,
                  "This output is that input at the next step (repeatable)")
      ->type_name("OUTPUT=INPUT");
}

Expected<SequenceRun> SequenceRun::Prepare(const SequenceArgs& args,
                                           const std::vector<PortSpec>& inputs,
                                           const std::vector<PortSpec>& outputs,
                                           std::vector<Array> arrays) {
  SequenceRun run;
  run.arrays_ = std::move(arrays);
  for (const Array& array : run.arrays_)
    run.shapes_.push_back(array.type.shape);
  for (const std::string& name : args.sequence) {
    ANEREF_ASSIGN(const size_t index, IndexOf("--sequence", name, inputs));
    Shape& shape = run.shapes_[index];
    if (shape.rank() == 0)
      return InvalidArgument("--sequence: '" + name + "' has no axis");
    if (!run.steps_.empty() && shape[0] != run.num_steps_)
      return InvalidArgument("--sequence: '" + name + "' has " +
                             std::to_string(shape[0]) + " steps, others " +
                             std::to_string(run.num_steps_));
    run.num_steps_ = shape[0];
    shape.Erase(0);
    run.steps_.push_back(index);
  }
  if (run.num_steps_ == 0) return InvalidArgument("--sequence: no steps");
  for (const std::string& text : args.link) {
    ANEREF_ASSIGN(const auto link, ParseLink(text, inputs, outputs));
    run.links_.push_back({link.first, link.second});
  }
  return run;
}

Status SequenceRun::SetInputs(Session* session, int64_t step) {
  for (size_t i = 0; i < arrays_.size(); ++i) {
    const bool steps =
        std::find(steps_.begin(), steps_.end(), i) != steps_.end();
    const bool linked =
        std::any_of(links_.begin(), links_.end(),
                    [i](const Link& link) { return link.input == i; });
    if (step > 0 && (linked || !steps)) continue;
    const TensorType type{arrays_[i].type.dtype, shapes_[i]};
    auto* data = arrays_[i].bytes.data() +
                 (steps ? static_cast<size_t>(step) * DenseBytes(type) : 0);
    ANEREF_TRY(session->SetInput(i, DenseView(type, data)));
  }
  return Status();
}

Status SequenceRun::Keep(const Session& session, int64_t step) {
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    const Array array = CopyToArray(session.Output(i));
    if (step == 0) {
      std::vector<int64_t> dims = array.type.shape.ToVector();
      dims.insert(dims.begin(), num_steps_);
      ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
      stacked_.push_back({{array.type.dtype, shape}, {}});
      stacked_.back().bytes.reserve(DenseBytes(stacked_.back().type));
    }
    std::vector<std::byte>& bytes = stacked_[i].bytes;
    bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
    if (bytes.size() != static_cast<size_t>(step + 1) * array.bytes.size())
      return InvalidArgument("output '" + session.outputs()[i].name +
                             "' changes its shape from step to step");
  }
  return Status();
}

Status SequenceRun::Run(Session* session) {
  for (int64_t step = 0; step < num_steps_; ++step) {
    ANEREF_TRY(SetInputs(session, step));
    ANEREF_TRY(session->Run());
    if (!is_sequence()) return Status();
    ANEREF_TRY(Keep(*session, step));
    std::vector<Array> carried;
    for (const Link& link : links_)
      carried.push_back(CopyToArray(session->Output(link.output)));
    for (size_t i = 0; i < links_.size() && step + 1 < num_steps_; ++i)
      ANEREF_TRY(session->SetInput(links_[i].input, carried[i].View()));
  }
  return Status();
}

Status LoadStates(const std::string& path, uint64_t max_memory,
                  Session* session) {
  if (path.empty()) return Status();
  ANEREF_ASSIGN(const NpzReader reader, NpzReader::Open(path, max_memory));
  size_t found = 0;
  for (size_t i = 0; i < session->states().size(); ++i) {
    const std::string& name = session->states()[i].name;
    if (!reader.Has(name)) continue;
    ANEREF_ASSIGN(const Array array, reader.Read(name));
    ANEREF_TRY(session->SetState(i, array.View()).WithContext("--state-in"));
    ++found;
  }
  if (found == reader.names().size()) return Status();
  for (const std::string& name : reader.names()) {
    const bool known =
        std::any_of(session->states().begin(), session->states().end(),
                    [&](const PortInfo& state) { return state.name == name; });
    if (!known)
      return InvalidArgument("--state-in: the model has no state '" + name +
                             "'");
  }
  return Status();
}

Status SaveStates(const std::string& path, const Session& session) {
  if (path.empty()) return Status();
  NpzWriter npz;
  for (size_t i = 0; i < session.states().size(); ++i)
    ANEREF_TRY(
        npz.Add(session.states()[i].name, CopyToArray(session.State(i))));
  ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path));
  ANEREF_TRY(npz.Write(file, path));
  return file.Commit();
}

}  // namespace aneref::tool
