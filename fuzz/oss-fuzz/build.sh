#!/usr/bin/env bash
# Builds all fuzz targets into $OUT, each with its seeds and its bounds, as OSS-Fuzz wants them: docs "Setting up a new project"
# and "Integrating a Rust project".
set -euo pipefail
cd "$SRC/qus"

.ci/fuzz seeds
cargo fuzz build -O
for target in $(cargo fuzz list); do
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    seeds=$OUT/${target}_seed_corpus.zip
    rm -f "$seeds"
    zip -jqr "$seeds" "fuzz/corpus/$target"
    # The bounds of .ci/fuzz.
    printf '[libfuzzer]\nrss_limit_mb = 2048\nmalloc_limit_mb = 512\ntimeout = 10\nmax_len = 1048576\n' >"$OUT/$target.options"
done
