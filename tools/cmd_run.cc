// aneref run: evaluates a model once.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>

#include "runtime/core/convert.h"
#include "tools/atomic_file.h"
#include "tools/image.h"
#include "tools/inputs.h"
#include "tools/model.h"
#include "tools/npz.h"
#include "tools/output.h"
#include "tools/sequence.h"
#include "tools/stats.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  EngineArgs engine;
  InputArgs inputs;
  SequenceArgs sequence;
  std::string output;
  std::string output_dir;
  std::string dump;
  size_t top = 0;
  bool json = false;
  bool digest = false;
};

struct Ranked {
  std::string output;
  size_t row;  // of a batch
  size_t index;
  std::string label;
  double value;
};

struct Result {
  std::string target;
  double seconds = 0;
  std::vector<Ranked> top;
};

// The `count` largest values of each row along the last axis that is not 1.
void RankOutput(const PortInfo& port, const TensorView& view, size_t count,
                std::vector<Ranked>* out) {
  const std::vector<double> values = ToDoubles(view);
  size_t width = 1;
  for (size_t axis = view.shape.rank(); axis-- > 0 && width == 1;) {
    width = static_cast<size_t>(view.shape[axis]);
  }
  if (values.empty() || width < 2) return;
  for (size_t row = 0; row * width < values.size(); ++row) {
    const double* at = values.data() + row * width;
    std::vector<size_t> order(width);
    std::iota(order.begin(), order.end(), size_t{0});
    // NaN last; equal values keep their order.
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      if (std::isnan(at[a])) return false;
      return std::isnan(at[b]) || at[a] > at[b];
    });
    for (size_t i = 0; i < std::min(count, width); ++i) {
      const bool labelled = port.labels.size() == width;
      out->push_back({port.name, row, order[i],
                      labelled ? port.labels[order[i]] : "", at[order[i]]});
    }
  }
}

// Outputs with labels, or all when the model has none.
std::vector<Ranked> RankOutputs(const Session& session, size_t count) {
  std::vector<Ranked> ranked;
  if (count == 0) return ranked;
  const std::vector<PortInfo>& ports = session.outputs();
  const bool labels =
      std::any_of(ports.begin(), ports.end(),
                  [](const PortInfo& port) { return !port.labels.empty(); });
  for (size_t i = 0; i < ports.size(); ++i) {
    if (labels && ports[i].labels.empty()) continue;
    RankOutput(ports[i], session.Output(i), count, &ranked);
  }
  return ranked;
}

uint64_t DigestOutputs(const Session& session) {
  uint64_t digest = kDigestSeed;
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    digest = Digest(session.Output(i), digest);
  }
  return digest;
}

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

// As in memory; but an output that the source itself declares float16 is one,
// also when fp32 numerics computed it.
Array OutputArray(const Session& session, const SequenceRun& run,
                  size_t index) {
  Array array = run.is_sequence() ? run.outputs()[index]
                                  : CopyToArray(session.Output(index));
  if (session.outputs()[index].declared != DataType::kFloat16 ||
      array.type.dtype != DataType::kFloat32) {
    return array;
  }
  Array half{{DataType::kFloat16, array.type.shape}, {}};
  half.bytes.resize(DenseBytes(half.type));
  ConvertElements(DataType::kFloat32, array.bytes.data(), DataType::kFloat16,
                  half.bytes.data(), half.bytes.size() / sizeof(uint16_t));
  return half;
}

Status WriteOutputs(const Options& options, const Session& session,
                    const SequenceRun& run) {
  NpzWriter output, dump;
  std::vector<Array> arrays;
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    arrays.push_back(OutputArray(session, run, i));
  }
  if (!options.output_dir.empty()) {
    std::vector<std::pair<std::string, const Array*>> named;
    std::vector<Picture> pictures;
    for (size_t i = 0; i < arrays.size(); ++i) {
      const PortInfo& port = session.outputs()[i];
      if (port.image == fbs::ImageLayout::none) {
        named.emplace_back(port.name, &arrays[i]);
        continue;
      }
      ANEREF_ASSIGN(std::vector<std::byte> png,
                    EncodePng(arrays[i], port.image, port.name));
      pictures.push_back({port.name, std::move(png)});
    }
    ANEREF_TRY(WriteFolder(options.output_dir, named, pictures));
  }
  std::vector<AtomicFile> files;
  const auto write = [&](const NpzWriter& npz, const std::string& path) {
    ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path));
    ANEREF_TRY(npz.Write(file, path));
    files.push_back(std::move(file));
    return Status();
  };
  if (!options.output.empty()) {
    for (size_t i = 0; i < arrays.size(); ++i) {
      ANEREF_TRY(output.Add(session.outputs()[i].name, std::move(arrays[i])));
    }
    ANEREF_TRY(write(output, options.output));
  }
  if (!options.dump.empty()) {
    ANEREF_TRY(session.ForEachValue(
        [&](const std::string& name, const TensorView& value) {
          return dump.Add(name, CopyToArray(value));
        }));
    ANEREF_TRY(write(dump, options.dump));
  }
  for (AtomicFile& file : files) ANEREF_TRY(file.Commit());
  return Status();
}

void PrintAsJson(const Options& options, const Session& session,
                 const Result& result) {
  Json out;
  out["outputs"] = Json::array();
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    const TensorView view = session.Output(i);
    const Stats stats = ComputeStats(view);
    Json row;
    row["name"] = session.outputs()[i].name;
    row["shape"] = ShapeToJson(view.shape);
    row["dtype"] = DataTypeName(view.dtype);
    row["min"] = stats.min;
    row["max"] = stats.max;
    row["nonfinite"] = stats.nonfinite;
    out["outputs"].push_back(std::move(row));
  }
  out["target"] = result.target;
  out["numerics"] =
      options.engine.numerics.substr(0, options.engine.numerics.find(':'));
  if (options.engine.IsDevice()) {
    const Profile profile = options.engine.DeviceProfile().value();
    out["device"]["profile"] = profile.name;
    for (size_t i = 0; i < ProfileOptions().size(); ++i)
      out["device"][ProfileOptions()[i].name] = OptionValue(profile, i);
  }
  out["threads"] = session.threads();
  out["seconds"] = result.seconds;
  if (options.digest) out["digest"] = Hex(DigestOutputs(session));
  if (options.top > 0) {
    out["top"] = Json::array();
    for (const Ranked& ranked : result.top) {
      Json row;
      row["output"] = ranked.output;
      row["row"] = ranked.row;
      row["index"] = ranked.index;
      row["label"] = ranked.label.empty() ? Json(nullptr) : Json(ranked.label);
      row["value"] = ranked.value;
      out["top"].push_back(std::move(row));
    }
  }
  PrintJson(out);
}

void PrintAsText(const Options& options, const Session& session,
                 const Result& result) {
  Table table("lllrrr");
  table.Add({"output", "shape", "dtype", "min", "max", "non-finite"});
  for (size_t i = 0; i < session.outputs().size(); ++i) {
    const TensorView view = session.Output(i);
    const Stats stats = ComputeStats(view);
    table.Add({session.outputs()[i].name, view.shape.ToString(),
               DataTypeName(view.dtype), FormatNumber(stats.min),
               FormatNumber(stats.max), std::to_string(stats.nonfinite)});
  }
  std::string text = table.ToString();
  if (!result.top.empty()) {
    Table top("lrlr");
    top.Add({"output", "index", "label", "value"});
    for (const Ranked& ranked : result.top) {
      top.Add({ranked.output, std::to_string(ranked.index), ranked.label,
               FormatNumber(ranked.value)});
    }
    text += "\n" + top.ToString();
  }
  if (options.digest) text += "digest " + Hex(DigestOutputs(session)) + "\n";
  text += FormatFixed(result.seconds * 1e3, 2) + " ms, " +
          options.engine.numerics + ", " + std::to_string(session.threads()) +
          (session.threads() == 1 ? " thread" : " threads") + ", target " +
          result.target + "\n";
  std::fputs(text.c_str(), stdout);
}

// What can be refused before a model is read or a network runs.
Status CheckOutputs(const Options& options) {
  if (!options.output.empty() && options.output == options.dump) {
    return InvalidArgument("--output and --dump are the same file");
  }
  const std::string& folder = options.output_dir;
  if (!folder.empty() && std::filesystem::exists(folder) &&
      !std::filesystem::is_directory(folder)) {
    return IoError(folder + ": is no folder");
  }
  ANEREF_TRY(CheckWritable(options.output));
  return CheckWritable(options.dump);
}

Expected<int> Run(const Options& options) {
  Result result;
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  result.target = chip->name;
  ANEREF_ASSIGN(const uint64_t max_memory, options.model.MaxMemory());
  ANEREF_ASSIGN(SessionOptions session_options,
                options.engine.ToSessionOptions(max_memory));
  session_options.keep_intermediates = !options.dump.empty();
  ANEREF_TRY(CheckOutputs(options));
  InputArgs input_args = options.inputs;
  input_args.sequence = options.sequence.sequence;
  ANEREF_ASSIGN(const Model model, LoadModel(options.model));
  ANEREF_ASSIGN(std::vector<Array> inputs,
                LoadInputs(input_args, *model.net, max_memory));
  const std::vector<PortSpec> specs = InputSpecs(*model.net);
  ANEREF_ASSIGN(SequenceRun run, SequenceRun::Prepare(options.sequence, specs,
                                                      OutputSpecs(*model.net),
                                                      std::move(inputs)));
  for (size_t i = 0; i < specs.size(); ++i) {
    session_options.input_shapes[specs[i].name] = run.StepShape(i);
  }
  Expected<std::unique_ptr<Session>> session =
      Session::Create(model.net, session_options);
  if (!session.ok()) return AboutModel(options.model, session.status());
  ANEREF_TRY(LoadStates(options.sequence.state_in, max_memory, session->get()));
  const auto start = std::chrono::steady_clock::now();
  ANEREF_TRY(AboutModel(options.model, run.Run(session->get())));
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  ANEREF_TRY(WriteOutputs(options, **session, run));
  ANEREF_TRY(SaveStates(options.sequence.state_out, **session));
  result.top = RankOutputs(**session, options.top);
  if (options.json) {
    PrintAsJson(options, **session, result);
  } else {
    PrintAsText(options, **session, result);
  }
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  options->inputs.Declare(app);
  options->sequence.Declare(app);
  app->add_option("-o,--output", options->output,
                  "Write all outputs, by name, to one archive")
      ->type_name("FILE.npz");
  app->add_option("--output-dir", options->output_dir,
                  "Write one NAME.npy per output ('/' becomes '_'), "
                  "NAME.png for pictures")
      ->type_name("DIR");
  app->add_option("--dump", options->dump,
                  "Write every intermediate tensor by its source name")
      ->type_name("FILE.npz");
  app->add_option("--top", options->top,
                  "Print the K best classes with their labels")
      ->type_name("K")
      ->check(CLI::Range(1, 1000000));
  options->engine.Declare(app);
  app->add_flag("--digest", options->digest,
                "Print one 64-bit digest of all outputs");
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kRunVerb = {
    "run",
    "Evaluate a model",
    "Evaluates a model once and prints the range of each output. Results are "
    "the same bits for every number of threads and on every machine. Inputs "
    "are numpy files; float inputs take fp16, fp32 or fp64, image inputs take "
    "pictures of exactly the size that the model declares.",
    {{"aneref run model.onnx --input x=input.npy --output result.npz",
      "one named input, all outputs into one archive"},
     {"aneref run classifier.anem --input photo.jpg --top 5",
      "the only input needs no name; print the five best labels"},
     {"aneref run model.onnx --inputs all.npz --output-dir out",
      "inputs by name from one archive, one .npy per output"},
     {"aneref run model.onnx --input x.npy --dump every.npz",
      "every intermediate tensor, to find where two programs part"},
     {"aneref run model.onnx --input x.npy --numerics fp32 --precision source",
      "no fp16 anywhere: what the fp16 error is measured against"},
     {"aneref run model.onnx --input x.npy --numerics device --target m4",
      "the arithmetic of that chip's engine"}},
    &Declare};

}  // namespace aneref::tool
