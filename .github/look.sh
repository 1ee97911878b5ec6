#!/usr/bin/env bash
# Looks whether Debian has something newer: what there is to report goes to the file that is named and to the summary, and a
# difference is the output `differs`. Needs GITHUB_OUTPUT and GITHUB_STEP_SUMMARY, files to append to.
set -euo pipefail

report=$1
status=0
cargo xtask lock --check --report "$report" || status=$?
# It fails for a difference and for an error, of which only the former leaves a report; what is only worth knowing leaves one,
# too.
if [[ ! -e $report ]]; then exit "$status"; fi
cat "$report" >>"$GITHUB_STEP_SUMMARY"
((status == 0)) || echo differs=true >>"$GITHUB_OUTPUT"
