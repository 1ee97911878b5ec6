#!/bin/bash
# xz and zstd with a thread for each core, and gzip: the contents come back, and their digest is known.
set -euo pipefail
cd /tmp
seq 1 200000 > numbers
sha256sum < numbers
xz -1 -T0 --block-size=256KiB --keep numbers
xz --test numbers.xz
xz -dc -T0 numbers.xz | sha256sum
zstd -q -T0 -5 numbers
zstd -q -t numbers.zst
zstd -dcq numbers.zst | sha256sum
gzip -1 < numbers | gzip -dc | sha256sum
