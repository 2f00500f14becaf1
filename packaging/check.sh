#!/usr/bin/env bash
# check.sh: builds the release for this machine twice, compares the two, installs what came out and removes it again.
# Needs root and a Debian system; nothing is left behind.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/netclients-release.XXXXXX")
trap 'rm -rf "$work"' EXIT
arch=$(go env GOHOSTARCH)
export TARGETS="linux/$arch windows/amd64"

packaging/release.sh "$work/one" >/dev/null
packaging/release.sh "$work/two" >/dev/null
(cd "$work/one" && sha256sum -- *) >"$work/one.sums"
(cd "$work/two" && sha256sum -- *) >"$work/two.sums"
diff "$work/one.sums" "$work/two.sums" || { echo 'two builds of one commit differ'; exit 1; }
(cd "$work/one" && sha256sum --quiet --check SHA256SUMS)

deb=$(echo "$work"/one/netclients_*_"$arch".deb)
! dpkg -s netclients >/dev/null 2>&1 || { echo 'netclients is installed on this machine: not tried'; exit 1; }
dpkg -i "$deb" >/dev/null
trap 'dpkg -P netclients >/dev/null; rm -rf "$work"' EXIT
/usr/bin/netclients version --json | grep -q '"revision":' || { echo 'the version lacks its commit'; exit 1; }
/usr/bin/netclients tour >/dev/null
test -s /usr/share/man/man1/netclients.1.gz
test -s /usr/share/bash-completion/completions/netclients

version=$(basename "$deb"); version=${version#netclients_}; version=${version%_*}
version=$(sed -n 's/.*netclients_\(.*\)_linux_'"$arch"'\.tar\.gz$/\1/p' "$work/one/SHA256SUMS")
VERSION=$version RELEASES="$work/one" PREFIX="$work/prefix" sh packaging/install.sh >/dev/null
cmp "$work/prefix/bin/netclients" /usr/bin/netclients
echo >>"$work/one/netclients_${version}_linux_$arch.tar.gz"
if VERSION=$version RELEASES="$work/one" PREFIX="$work/other" sh packaging/install.sh >/dev/null 2>&1 || [ -e "$work/other" ]; then
  echo 'install.sh installed an archive with a wrong checksum'; exit 1
fi
echo "release $version: reproducible, installed by dpkg and by install.sh, removed again"
