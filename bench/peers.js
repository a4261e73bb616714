// One process of ONNX Runtime for bench/peers.py:  node peers.js MODEL.onnx THREADS RUNS
// Prints one JSON line with the keys of `aneref bench --json`. NODE_PATH must reach onnxruntime-node.
const ort = require('onnxruntime-node');
const { performance } = require('perf_hooks');

async function main(file, threads, runs) {
  const begin = performance.now();
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3 });
  const load = performance.now() - begin;
  const feeds = {};
  for (const port of session.inputMetadata) {
    const count = port.shape.reduce((product, extent) => product * (extent > 0 ? extent : 1), 1);
    const shape = port.shape.map(extent => (extent > 0 ? extent : 1));
    if (port.type === 'float32') {
      feeds[port.name] = new ort.Tensor('float32', Float32Array.from({ length: count }, (_, i) => Math.sin(i)), shape);
    } else if (port.type === 'int64') {
      feeds[port.name] = new ort.Tensor('int64', new BigInt64Array(count), shape);
    } else {
      throw new Error(`${port.name}: no made-up input of type ${port.type}`);
    }
  }
  for (let i = 0; i < 3; ++i) await session.run(feeds);
  const times = [];
  for (let i = 0; i < runs; ++i) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ median_ms: times[Math.floor(runs / 2)], min_ms: times[0], load_ms: load,
    peak_rss_mib: process.resourceUsage().maxRSS / 1024 }));
}

main(process.argv[2], Number(process.argv[3]), Number(process.argv[4])).catch(error => {
  console.error(String(error));
  process.exit(1);
});
