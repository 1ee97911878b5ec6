#!/bin/bash
# Commits of known digests, a merge, a clone over the protocol of files, and the check of all objects.
set -euo pipefail
cd /tmp
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='2020-01-02T03:04:05Z' GIT_COMMITTER_DATE='2020-01-02T03:04:05Z' GIT_CONFIG_GLOBAL=/dev/null
git init -q -b main origin
cd origin
for n in {1..5}; do
    seq 1 $((n * 100)) > "file$n"
    git add . && git commit -q -m "commit $n"
done
git checkout -q -b side HEAD~2
echo side > other && git add . && git commit -q -m side
git checkout -q main
git merge -q --no-edit side
git log --format='%H %s' --topo-order
git gc -q
cd ..
git clone -q "file:///tmp/origin" copy
cd copy
git fsck --full
git diff --stat HEAD~1 HEAD
git grep -c 42 | sort
