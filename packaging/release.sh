#!/usr/bin/env bash
# release.sh [FOLDER]: everything that a release publishes, below FOLDER (dist by default).
#
# Two runs on one commit make the same bytes: times come from the commit, paths are trimmed, archives are sorted.
# The version is the tag of the commit. Modules must have been downloaded; nothing else is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$(realpath -m "${1:-dist}")
NFPM=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
SBOM=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
TARGETS=${TARGETS:-linux/amd64 linux/arm64 linux/386 linux/arm darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64}

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
version=$(git describe --tags --always --match 'v[0-9]*')
case $version in v[0-9]*) version=${version#v} ;; *) version=0.0.0-$version ;; esac
MTIME=$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)
export SOURCE_DATE_EPOCH MTIME VERSION="$version" CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=true' LC_ALL=C TZ=UTC
umask 022

rm -rf "$dist"
mkdir -p "$dist/stage/share/man" "$dist/stage/share/completions"
share="$dist/stage/share"

build() { # build OS ARCH FILE
  GOOS=$1 GOARCH=$2 go build -ldflags '-s -w' -o "$3" ./cmd/netclients
}

build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$dist/stage/host"
"$dist/stage/host" man "$share/man" >/dev/null
gzip -9 -n "$share"/man/*
"$dist/stage/host" completion bash >"$share/completions/netclients.bash"
"$dist/stage/host" completion zsh >"$share/completions/_netclients"
"$dist/stage/host" completion fish >"$share/completions/netclients.fish"
"$dist/stage/host" completion powershell >"$share/completions/netclients.ps1"
packaging/licenses.sh >"$share/THIRD_PARTY_LICENSES"
cp LICENSE README.md CHANGELOG.md "$share"

# package PACKAGER ARCH: a deb or rpm of the program just staged.
package() {
  BINARY="$dist/stage/linux_$2/netclients" SHARE="$share" ARCH=$2 envsubst <packaging/nfpm.yaml >"$dist/stage/nfpm.yaml"
  GOFLAGS= go run "$NFPM" package --config "$dist/stage/nfpm.yaml" --packager "$1" --target "$dist/" >/dev/null
}

for target in $TARGETS; do
  os=${target%/*} arch=${target#*/}
  name=netclients_${version}_${os}_$arch
  root="$dist/stage/$name"
  program=netclients; [ "$os" = windows ] && program=netclients.exe
  mkdir -p "$root" "$dist/stage/${os}_$arch"
  build "$os" "$arch" "$root/$program"
  cp "$root/$program" "$dist/stage/${os}_$arch/$program"
  cp -r "$share/." "$root/"
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  if [ "$os" = windows ]; then
    (cd "$dist/stage" && find "$name" | sort | zip -X -q -@ "$dist/$name.zip")
  else
    tar -C "$dist/stage" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" | gzip -9 -n >"$dist/$name.tar.gz"
  fi
  if [ "$os" = linux ]; then package deb "$arch"; package rpm "$arch"; fi
done

GOFLAGS= go run "$SBOM" mod -json -licenses -noserial -output "$dist/netclients_${version}.cdx.json" 2>/dev/null
sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$MTIME\"/" "$dist/netclients_${version}.cdx.json"
awk -v RS='\n## ' 'NR == 2 { sub(/^[^\n]*\n+/, ""); print }' CHANGELOG.md >"$dist/NOTES.md"
rm -rf "$dist/stage"
(cd "$dist" && shopt -s nullglob && sha256sum -- *.tar.gz *.zip *.deb *.rpm *.json >SHA256SUMS)
packaging/formulas.sh "$dist"
ls -l "$dist"
