#!/usr/bin/env bash
# ThreadSanitizer over the C interface: sessions of one plan in eight threads, runs cancelled in flight, models, plans and sessions
# destroyed while others run, crews of threads inside a run. Scalar kernels alone: what threads share does not depend on the SIMD
# target. Nothing is suppressed; any report fails. Some 250 files to compile, then a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
launcher=()
if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset tsan "${launcher[@]}" > /dev/null
cmake --build build/tsan --target tests_capi
TSAN_OPTIONS="history_size=7 exitcode=66" build/tsan/tests/tests_capi --no-intro --no-version
echo "tsan: no report"
