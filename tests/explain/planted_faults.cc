// Plants every fault of faults.h into dumps of real networks and counts how
// often the bisection names the right op and blames the right cause. Prints a
// table; with --markdown FILE writes it, with --check FILE compares it. Exit 4
// where the networks are not at hand.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "ops/registry.h"
#include "runtime/explain/bisect.h"
#include "runtime/explain/bounds.h"
#include "runtime/import/importer.h"
#include "tests/explain/faults.h"
#include "tools/atomic_file.h"
#include "tools/npy.h"

namespace aneref::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetworks[] = {"mnist_cntk",
                                     "policy_bh",
                                     "keras_small",
                                     "ultraface_rfb_320",
                                     "bert_tiny_random",
                                     "yunet_n_320",
                                     "gesture_history_lstm",
                                     "face_antispoof",
                                     "superres_espcn_224",
                                     "t5_random_encoder",
                                     "person_detector_rpi",
                                     "espcn_bsd300_nnresize",
                                     "fp16_overflow_matmuls",
                                     "squeezenet_fp16",
                                     "policy_apollo",
                                     "ocr_cls_ppv2",
                                     "fastestdet",
                                     "gtcrn_simple",
                                     "magika_v3_3",
                                     "nnsplit_en"};
constexpr int kPlantingsPerFault = 2;

struct Network {
  std::string name;
  std::shared_ptr<const Net> net;
  ReplayOptions options;
  std::vector<OwnedTensor> inputs;
};

struct Planting {
  const Fault* fault = nullptr;
  const Network* network = nullptr;
  size_t step = 0;
  std::string node, op;
};

struct Outcome {
  std::string named;  // the op that the bisection names
  std::string blamed;
  bool right_op = false;
  bool right_cause = false;  // where one is expected
};

template <class T>
T Must(Expected<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return std::move(*value);
}
void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

std::optional<Network> Load(const fs::path& folder) {
  Network network;
  network.name = folder.filename().string();
  ImportSummary summary;
  auto bytes =
      ImportModel((folder / "model.onnx").string(), ImportOptions(), &summary);
  if (!bytes.ok()) return std::nullopt;
  network.net =
      Must(Net::Parse(File::FromBuffer(std::move(*bytes)), network.name));
  const auto* ports = network.net->main_graph().inputs();
  for (unsigned i = 0; ports != nullptr && i < ports->size(); ++i) {
    const std::string path =
        (folder / "case_0" / ("input_" + std::to_string(i) + ".npy")).string();
    const auto array = Must(tool::ParseNpy(Must(tool::ReadFile(path)), path));
    const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
    const auto* name = network.net->main_graph().tensors()->Get(tensor)->name();
    network.options.input_shapes[name->str()] = array.type.shape;
    network.inputs.push_back(Must(CopyDense(array.View())));
  }
  network.options.threads = 1;
  return network;
}

std::unique_ptr<Replay> MakeReplay(const Network& network,
                                   const Arithmetic& arithmetic) {
  ReplayOptions options = network.options;
  options.arithmetic = arithmetic;
  std::unique_ptr<Replay> replay = Must(Replay::Create(network.net, options));
  for (size_t i = 0; i < network.inputs.size(); ++i) {
    Must(replay->SetInput(i, network.inputs[i].View()));
  }
  return replay;
}

FaultSite SiteOf(Replay* replay, size_t step, const HostValues& in,
                 const HostValue& out, const Arithmetic& arithmetic) {
  FaultSite site;
  site.replay = replay;
  site.step = step;
  site.node = replay->steps()[step].node;
  site.in = in;
  site.shape = out.view.shape;
  site.out = Must(ElementsOfValue(out));
  site.arithmetic = arithmetic;
  return site;
}

bool CanHoldFault(const Replay& replay, size_t step) {
  const Replay::Step& at = replay.steps()[step];
  return !at.outputs.empty() && at.outputs[0] >= 0 &&
         !replay.ValueName(at.outputs[0]).empty() &&
         at.node->op_type() != fbs::Op::Control;
}

bool Differs(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SameValue(a[i], b[i])) return true;
  }
  return false;
}

// The first op, from a fixed place on, at which the fault changes anything.
std::optional<Planting> Place(const Fault& fault, const Network& network,
                              size_t salt) {
  const Arithmetic portable{Numerics::kPortable, nullptr};
  const auto replay = MakeReplay(network, portable);
  Must(replay->Run(nullptr));
  const size_t count = replay->steps().size();
  for (size_t k = 0; k < count; ++k) {
    const size_t step = (salt * 7 + k) % count;
    if (!CanHoldFault(*replay, step)) continue;
    HostValues in;
    for (int32_t index : replay->steps()[step].inputs) {
      in.push_back(index < 0 ? HostValue{} : replay->value(index));
    }
    const HostValue& out = replay->value(replay->steps()[step].outputs[0]);
    if (!IsFloating(out.view.dtype)) continue;
    const FaultSite site = SiteOf(replay.get(), step, in, out, portable);
    const std::vector<double> faulty = fault.plant(site);
    if (faulty.size() != site.out.size() || !Differs(faulty, site.out)) {
      continue;
    }
    return Planting{&fault, &network, step, StepName(*replay, step),
                    OpName(*site.node)};
  }
  return std::nullopt;
}

// All values of a run in `arithmetic` with the fault in it.
std::map<int32_t, OwnedTensor> FaultyDump(const Planting& planting,
                                          const Arithmetic& arithmetic) {
  const auto replay = MakeReplay(*planting.network, arithmetic);
  std::map<int32_t, OwnedTensor> dump;
  Must(replay->Run([&](size_t step, const HostValues& in, HostValues* out) {
    if (step == planting.step) {
      const FaultSite site =
          SiteOf(replay.get(), step, in, (*out)[0], arithmetic);
      const std::vector<double> faulty = planting.fault->plant(site);
      if (faulty.size() == site.out.size()) {
        (*out)[0] = Must(WithElements((*out)[0], faulty));
      }
    }
    const std::vector<int32_t>& outputs = replay->steps()[step].outputs;
    for (size_t k = 0; k < outputs.size() && k < out->size(); ++k) {
      if (outputs[k] < 0 || replay->ValueName(outputs[k]).empty()) continue;
      dump[outputs[k]] = Must(CopyDense((*out)[k].view));
    }
    return Status();
  }));
  return dump;
}

Outcome Judge(const Planting& planting, const Arithmetic& dumped,
              const Arithmetic& compared, const BisectOptions& options) {
  const auto dump = FaultyDump(planting, dumped);
  const auto replay = MakeReplay(*planting.network, compared);
  const Bisection bisection = Must(Bisect(replay.get(), dump, options));
  Outcome outcome;
  if (bisection.first < 0) return outcome;
  const Finding& first =
      bisection.findings[static_cast<size_t>(bisection.first)];
  outcome.named = first.node;
  outcome.blamed = first.quirk == nullptr ? "" : first.quirk->id;
  outcome.right_op = first.step == planting.step;
  outcome.right_cause = outcome.blamed == planting.fault->blame;
  return outcome;
}

struct Score {
  int planted = 0, right_op = 0, with_cause = 0, right_cause = 0;
  int networks = 0;
  void Add(const Planting& planting, const Outcome& outcome) {
    ++planted;
    right_op += outcome.right_op;
    if (*planting.fault->blame == '\0') return;
    ++with_cause;
    right_cause += outcome.right_op && outcome.right_cause;
  }
};

Arithmetic Engine(const char* profile) {
  return {Numerics::kDevice,
          std::make_shared<const DeviceContext>(Must(NamedProfile(profile)))};
}

std::string Row(const Planting& planting, const Outcome& outcome) {
  const std::string blame =
      outcome.blamed.empty() ? "unexplained" : outcome.blamed;
  return std::string("| ") + planting.fault->id + " | " + planting.fault->what +
         " | " + planting.network->name + " | " + planting.op + " | " +
         (outcome.right_op ? "yes" : "**no**") + " | " +
         (outcome.right_cause ? blame : "**" + blame + "**") + " |\n";
}

std::string Summary(const char* what, const Score& score) {
  char text[200];
  std::snprintf(text, sizeof text,
                "%s: %d faults in %d networks; the right op is named %d times, "
                "the right cause %d of %d times.\n",
                what, score.planted, score.networks, score.right_op,
                score.right_cause, score.with_cause);
  return text;
}

int Main(int argc, char** argv) {
  const fs::path corpus = fs::path(ANEREF_SOURCE_DIR) / "../shared/models/onnx";
  if (!fs::is_directory(corpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpus.string().c_str());
    return 0;
  }
  std::vector<Network> networks;
  for (const char* name : kNetworks) {
    if (auto network = Load(corpus / name)) {
      networks.push_back(std::move(*network));
    }
  }
  BisectOptions options;
  options.h13 = Engine("h13");
  options.h16 = Engine("h16");
  const Arithmetic portable{Numerics::kPortable, nullptr};
  const Profile profile = Must(NamedProfile("h13"));
  BisectOptions noisy = options;
  noisy.engine = &profile;
  // Dumps in portable arithmetic; in the M1's, compared in the M1's; in the
  // M1's, compared in portable.
  Score score, engine, mixed;
  std::map<std::string, int> used;
  std::string rows;
  size_t salt = 0;
  for (const Fault& fault : AllFaults()) {
    int planted = 0;
    for (size_t k = 0; k < networks.size() && planted < kPlantingsPerFault;
         ++k) {
      const Network& network = networks[(salt + k) % networks.size()];
      const auto planting = Place(fault, network, salt);
      if (!planting) continue;
      const Outcome outcome = Judge(*planting, portable, portable, options);
      score.Add(*planting, outcome);
      if (planted == 0) {
        engine.Add(*planting,
                   Judge(*planting, options.h13, options.h13, options));
        mixed.Add(*planting, Judge(*planting, options.h13, portable, noisy));
      }
      rows += Row(*planting, outcome);
      std::printf("%s", Row(*planting, outcome).c_str());
      std::fflush(stdout);
      ++used[network.name];
      ++planted;
    }
    if (planted == 0) std::printf("%s: no place\n", fault.id);
    salt += 3;
  }
  score.networks = engine.networks = mixed.networks =
      static_cast<int>(used.size());
  const std::string summary =
      Summary("Same arithmetic on both sides (portable)", score) + "\n" +
      Summary(
          "One planting of each in a dump of the M1's arithmetic, compared "
          "in the M1's",
          engine) +
      "\n" + Summary("The same dumps, compared in portable arithmetic", mixed);
  const std::string text =
      "| fault | what | network | op | op named | blamed |\n"
      "| --- | --- | --- | --- | --- | --- |\n" +
      rows + "\n" + summary;
  std::printf("%s", summary.c_str());
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--markdown") == 0) {
      std::ofstream(argv[i + 1]) << text;
    }
    if (std::strcmp(argv[i], "--check") == 0) {
      std::ifstream file(argv[i + 1]);
      const std::string page{std::istreambuf_iterator<char>(file), {}};
      if (page.find(text) == std::string::npos) {
        std::printf(
            "%s does not hold this table: run planted_faults "
            "--markdown\n",
            argv[i + 1]);
        return 1;
      }
    }
  }
  const bool enough = score.right_op * 40 >= score.planted * 38 &&
                      score.right_cause == score.with_cause &&
                      score.networks >= 12 && score.planted >= 40;
  return enough ? 0 : 1;
}

}  // namespace
}  // namespace aneref::test

int main(int argc, char** argv) { return aneref::test::Main(argc, argv); }
