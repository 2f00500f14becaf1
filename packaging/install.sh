#!/bin/sh
# install.sh: installs the newest release of netclients, or the one named by VERSION, below PREFIX
# (/usr/local for root, ~/.local otherwise). The archive's checksum is verified before anything is unpacked.
#
#   RELEASES  where releases are (the project's page); a folder for a copy on this machine
set -eu

page=https://github.com/netclients/netclients/releases
releases=${RELEASES:-$page/download}
if [ "$(id -u)" = 0 ]; then prefix=${PREFIX:-/usr/local}; else prefix=${PREFIX:-$HOME/.local}; fi

fail() { echo "install.sh: $1" >&2; exit 1; }

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
FreeBSD) os=freebsd ;;
*) fail "no release for $(uname -s): see $page" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
i?86) arch=386 ;;
arm*) arch=arm ;;
*) fail "no release for $(uname -m): see $page" ;;
esac

fetch() { # fetch URL FILE
  case $1 in
  /*) cp "$1" "$2" ;;
  *) if command -v curl >/dev/null; then curl -fsSL --proto '=https' -o "$2" "$1"; else wget -q --https-only -O "$2" "$1"; fi ;;
  esac || fail "cannot fetch $1"
}

version=${VERSION:-}
if [ -z "$version" ]; then
  version=$(curl -fsSLI --proto '=https' -o /dev/null -w '%{url_effective}' "$page/latest") || fail "cannot find the newest release; set VERSION"
  version=${version##*/v}
fi
version=${version#v}
case $version in '' | */*) fail "not a version: $version" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
name=netclients_${version}_${os}_$arch
case $releases in /*) from=$releases ;; *) from=$releases/v$version ;; esac
fetch "$from/$name.tar.gz" "$work/$name.tar.gz"
fetch "$from/SHA256SUMS" "$work/SHA256SUMS"
want=$(awk -v name="$name.tar.gz" '$2 == name { print $1 }' "$work/SHA256SUMS")
[ -n "$want" ] || fail "SHA256SUMS does not list $name.tar.gz"
if command -v sha256sum >/dev/null; then have=$(sha256sum "$work/$name.tar.gz"); else have=$(shasum -a 256 "$work/$name.tar.gz"); fi
[ "${have%% *}" = "$want" ] || fail "wrong checksum of $name.tar.gz: nothing was installed"

tar -xzf "$work/$name.tar.gz" -C "$work"
mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/bash-completion/completions" "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
cp "$work/$name"/man/* "$prefix/share/man/man1/"
cp "$work/$name/completions/netclients.bash" "$prefix/share/bash-completion/completions/netclients"
cp "$work/$name/completions/_netclients" "$prefix/share/zsh/site-functions/_netclients"
cp "$work/$name/completions/netclients.fish" "$prefix/share/fish/vendor_completions.d/netclients.fish"
cp "$work/$name/netclients" "$prefix/bin/.netclients.new"
chmod 755 "$prefix/bin/.netclients.new"
mv "$prefix/bin/.netclients.new" "$prefix/bin/netclients"
echo "installed $prefix/bin/netclients $version"
case :$PATH: in *":$prefix/bin:"*) ;; *) echo "add $prefix/bin to your PATH" ;; esac
