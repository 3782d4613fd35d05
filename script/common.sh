# shellcheck shell=bash
# Shared by the scripts beside it: configure and build a CMake preset, build the web page.

jobs=${LINNET_JOBS:-$(nproc 2>/dev/null || echo 2)}

# configure PRESET [cmake arguments...]
configure() {
  local preset=$1
  shift
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake --preset "$preset" "${launcher[@]}" "$@" >"build-$preset.log.tmp" 2>&1 || {
    cat "build-$preset.log.tmp" >&2
    rm -f "build-$preset.log.tmp"
    return 1
  }
  rm -f "build-$preset.log.tmp"
}

# build PRESET [targets...]
build() {
  local preset=$1
  shift
  local targets=()
  if [ $# -gt 0 ]; then targets=(--target "$@"); fi
  cmake --build "build/$preset" -j "$jobs" "${targets[@]}"
}

# build_web: the page that `linnet serve` serves, from web/ into web/dist
build_web() {
  (cd web && npm run --silent build)
}

step() { printf '\n== %s\n' "$*"; }
