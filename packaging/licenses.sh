#!/bin/sh
# licenses.sh: the licences of all modules that are built into the program, on standard output.
set -eu
cd "$(dirname "$0")/.."
for os in linux darwin windows freebsd; do
  GOOS=$os CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/netclients
done | sort -u | while read -r path version dir; do
  files=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'unlicense*' \) | sort)
  [ -n "$files" ] || { echo "$path $version: no licence file" >&2; exit 1; }
  printf '== %s %s\n\n' "$path" "$version"
  for file in $files; do tr -d '\r' <"$file"; echo; done
done
