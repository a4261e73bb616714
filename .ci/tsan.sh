#!/usr/bin/env bash
# ThreadSanitizer over what threads share: sessions of one plan in eight threads, runs cancelled in flight, objects destroyed while
# others run, crews of threads. Scalar kernels alone: what is shared does not depend on the SIMD target. Any report fails.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/tsan
launcher=()
if command -v ccache > /dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset tsan "${launcher[@]}" > /dev/null
cmake --build "$build" --target tests_capi tests_exec
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp history_size=7 exitcode=66"
"$build/tests/tests_capi" --no-intro --no-version
"$build/tests/tests_exec" --no-intro --no-version --source-file='*crew_test.cc,*executor_test.cc,*session_test.cc'
echo "tsan: no report"
