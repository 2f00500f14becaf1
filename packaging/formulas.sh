#!/usr/bin/env bash
# formulas.sh FOLDER: the Homebrew formula and the Scoop manifest of the release in FOLDER, with its checksums.
set -euo pipefail
dist=$1
page=https://github.com/netclients/netclients
version=$(sed -n 's/.*netclients_\([^_]*\)_linux_amd64\.tar\.gz$/\1/p' "$dist/SHA256SUMS")
sum() { awk -v name="netclients_${version}_$1" '$2 == name { print $1 }' "$dist/SHA256SUMS"; }
url() { echo "$page/releases/download/v$version/netclients_${version}_$1"; }

cat >"$dist/netclients.rb" <<EOF
class Netclients < Formula
  desc "Clients of the classic internet protocols in one program"
  homepage "$page"
  version "$version"
  license "MIT"

  on_macos do
    on_arm do
      url "$(url darwin_arm64.tar.gz)"
      sha256 "$(sum darwin_arm64.tar.gz)"
    end
    on_intel do
      url "$(url darwin_amd64.tar.gz)"
      sha256 "$(sum darwin_amd64.tar.gz)"
    end
  end
  on_linux do
    on_arm do
      url "$(url linux_arm64.tar.gz)"
      sha256 "$(sum linux_arm64.tar.gz)"
    end
    on_intel do
      url "$(url linux_amd64.tar.gz)"
      sha256 "$(sum linux_amd64.tar.gz)"
    end
  end

  def install
    bin.install "netclients"
    man1.install Dir["man/*"]
    bash_completion.install "completions/netclients.bash" => "netclients"
    zsh_completion.install "completions/_netclients"
    fish_completion.install "completions/netclients.fish"
  end

  test do
    system bin/"netclients", "tour"
  end
end
EOF

cat >"$dist/scoop.json" <<EOF
{
    "version": "$version",
    "description": "Clients of the classic internet protocols in one program",
    "homepage": "$page",
    "license": "MIT",
    "architecture": {
        "64bit": {
            "url": "$(url windows_amd64.zip)",
            "hash": "$(sum windows_amd64.zip)",
            "extract_dir": "netclients_${version}_windows_amd64"
        },
        "arm64": {
            "url": "$(url windows_arm64.zip)",
            "hash": "$(sum windows_arm64.zip)",
            "extract_dir": "netclients_${version}_windows_arm64"
        }
    },
    "bin": "netclients.exe"
}
EOF
