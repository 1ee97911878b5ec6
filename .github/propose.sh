#!/usr/bin/env bash
# Proposes the lock that lies in the working tree: a pull request with the text in the file that is named, or the one
# that is open already, brought up to date. Needs git, and gh with GH_TOKEN.
set -euo pipefail

report=$1
branch=upkeep/debian-lock
title="Update images/debian.lock"

git switch --quiet --force-create "$branch"
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
    commit --quiet --message "$title" -- images/debian.lock
gh auth setup-git
git push --quiet --force origin "$branch"
open=$(gh pr list --head "$branch" --state open --json number --jq '.[0].number // empty')
if [ -n "$open" ]; then
    gh pr edit "$open" --body-file "$report"
else
    gh pr create --head "$branch" --title "$title" --body-file "$report"
fi
