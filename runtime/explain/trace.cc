// See trace.h.
#include "runtime/explain/trace.h"

#include <algorithm>

#include "runtime/core/json_writer.h"

namespace aneref {
namespace {

constexpr int kHostProcess = 1, kEngineProcess = 2;
constexpr double kMicroseconds = 1e6;
constexpr const char* kLanes[] = {"MAC", "planar", "DMA"};

class Writer {
 public:
  explicit Writer(const TraceInput& input) : input_(input), json_(0) {}

  std::string Run() {
    json_.BeginObject();
    json_.Member("displayTimeUnit", "ms");
    json_.Key("traceEvents");
    json_.BeginArray();
    Names();
    Host();
    Engine();
    json_.EndArray();
    json_.EndObject();
    return json_.Take();
  }

 private:
  void Name(int process, int thread, const char* what,
            const std::string& name) {
    json_.BeginObject();
    json_.Member("ph", "M");
    json_.Member("name", what);
    json_.Member("pid", process);
    json_.Member("tid", thread);
    json_.Key("args");
    json_.BeginObject();
    json_.Member("name", name);
    json_.EndObject();
    json_.EndObject();
  }
  void Names() {
    Name(kHostProcess, 0, "process_name", "this machine: " + input_.model);
    Name(kEngineProcess, 0, "process_name",
         "predicted: " + input_.plan->chip + " (" +
             input_.plan->totals.provenance + ")");
    int threads = 0;
    for (const TraceEvent& event : input_.events)
      threads = std::max(threads, event.part.thread + 1);
    for (int thread = 0; thread < threads; ++thread)
      Name(kHostProcess, thread, "thread_name",
           "thread " + std::to_string(thread));
    for (int lane = 0; lane < 3; ++lane)
      Name(kEngineProcess, lane, "thread_name", kLanes[lane]);
  }

  // The caller adds "args" members and closes both objects.
  void Begin(int process, int thread, const std::string& name, double start,
             double length) {
    json_.BeginObject();
    json_.Member("ph", "X");
    json_.Member("name", name);
    json_.Member("pid", process);
    json_.Member("tid", thread);
    json_.Member("ts", start);
    json_.Member("dur", length);
    json_.Key("args");
    json_.BeginObject();
  }
  void End() {
    json_.EndObject();
    json_.EndObject();
  }

  void Host() {
    if (input_.events.empty()) return;
    double origin = input_.events[0].part.begin_s;
    for (const TraceEvent& event : input_.events)
      origin = std::min(origin, event.part.begin_s);
    for (const TraceEvent& event : input_.events) {
      const TaskProfile& call = input_.calls[static_cast<size_t>(event.call)];
      const PartTiming& part = event.part;
      Begin(kHostProcess, part.thread,
            call.name.empty() ? call.op : call.op + " " + call.name,
            (part.begin_s - origin) * kMicroseconds,
            (part.end_s - part.begin_s) * kMicroseconds);
      json_.Member("kernel", call.kernel);
      json_.Member("task", call.task);
      json_.Member("first_unit", part.unit_begin);
      json_.Member("units", part.unit_end - part.unit_begin);
      json_.Member("output", call.output.ToString());
      End();
    }
  }

  void Engine() {
    for (size_t t = 0; t < input_.plan->tasks.size(); ++t) {
      const PlanTask& task = input_.plan->tasks[t];
      if (!task.on_engine) continue;
      Begin(kEngineProcess, static_cast<int>(task.engine),
            task.name.empty() ? task.op : task.op + " " + task.name,
            task.start_us, task.predicted_us);
      json_.Member("task", static_cast<int64_t>(t));
      json_.Member("bound", engine::BoundName(task.bound));
      json_.Member("dram_bytes", task.dram_bytes);
      json_.Member("passes", task.grid.Passes());
      json_.Member("cores", task.grid.cores);
      json_.Member("partition", task.partition);
      End();
      Counter(static_cast<int32_t>(t), task.start_us);
    }
  }
  // Bytes on the chip while the task runs.
  void Counter(int32_t task, double start) {
    int64_t live = 0;
    for (const PlanTensor& tensor : input_.plan->tensors) {
      if (tensor.used && tensor.chip_address >= 0 && tensor.producer <= task &&
          tensor.consumers.back() >= task)
        live += tensor.chip_bytes;
    }
    json_.BeginObject();
    json_.Member("ph", "C");
    json_.Member("name", "on-chip bytes");
    json_.Member("pid", kEngineProcess);
    json_.Member("tid", 0);
    json_.Member("ts", start);
    json_.Key("args");
    json_.BeginObject();
    json_.Member("bytes", live);
    json_.EndObject();
    json_.EndObject();
  }

  const TraceInput& input_;
  JsonWriter json_;
};

}  // namespace

std::string TraceJson(const TraceInput& input) { return Writer(input).Run(); }

}  // namespace aneref
