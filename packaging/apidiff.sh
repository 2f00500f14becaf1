#!/usr/bin/env bash
# Compares the packages that docs/compatibility.md holds stable with those of a tag:
#   packaging/apidiff.sh v0.1.0 golang.org/x/exp/cmd/apidiff@VERSION
# Fails when one of them has lost or changed something.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$1 tool=$2
module=$(go list -m)
stable="protocols protocols/all protocols/transfer protocols/ftp protocols/gopher protocols/http protocols/imap protocols/nntp protocols/pop3 protocols/smtp protocols/socket protocols/telnet protocols/xmlrpc"
work=$(mktemp -d "${TMPDIR:-/tmp}/netclients-api.XXXXXX")
trap 'git worktree remove --force "$work/old" 2>/dev/null || true; rm -rf "$work"' EXIT
GOBIN=$work/bin go install "$tool"
git worktree add --quiet --detach "$work/old" "$tag"
broken=0
for package in $stable; do
  [ -d "$work/old/$package" ] || continue # newer than the tag
  (cd "$work/old" && "$work/bin/apidiff" -w "$work/export" "$module/$package")
  changes=$("$work/bin/apidiff" -incompatible "$work/export" "$module/$package")
  if [ -n "$changes" ]; then
    printf '%s\n%s\n' "$package since $tag:" "$changes"
    broken=1
  fi
done
exit $broken
