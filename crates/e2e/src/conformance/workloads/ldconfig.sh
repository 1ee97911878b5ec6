#!/bin/bash
# The cache of shared libraries: made, read, and used by the loader.
set -euo pipefail
rm -f /etc/ld.so.cache
ldconfig
ldconfig -p | grep -q '^[[:space:]]libc\.so\.6 ' && echo 'libc is in it'
test -s /etc/ld.so.cache && echo 'a cache'
for n in 1 2 3 4 5; do ldconfig; done
mkdir -p /opt/lib
cp -L "$(ldconfig -p | sed -n 's/^[[:space:]]*libz\.so\.1 .* => //p' | head -1)" /opt/lib/libz.so.1
echo /opt/lib > /etc/ld.so.conf.d/0.conf
ldconfig
ldconfig -p | grep -c '=> /opt/lib/libz.so.1$'
