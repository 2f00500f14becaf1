#!/usr/bin/env bash
# Runs unit tests of the Windows build under wine: those of packages that need no files, and those
# of what differs between systems. Debian's wine cannot delete files as Go does on Windows (POSIX
# deletion), so that tests with folders of their own fail at their end there; hosted CI runs them.
set -euo pipefail
cd "$(dirname "$0")/.."
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
for program in "$wine" x86_64-w64-mingw32-ld; do
  command -v "$program" >/dev/null || { echo "packaging/wine.sh: $program is missing: install wine64 and binutils-mingw-w64-x86-64" >&2; exit 3; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/netclients-wine.XXXXXX")
trap 'WINEPREFIX="$work/prefix" wineserver -k 2>/dev/null || true; rm -rf "$work"' EXIT
export WINEPREFIX="$work/prefix" WINEDEBUG=-all GOOS=windows GOARCH=amd64 CGO_ENABLED=0

# Go takes its random numbers from a library that this wine does not have; its function is there under another name.
"$wine" wineboot >/dev/null 2>&1 || true
printf 'LIBRARY bcryptprimitives.dll\nEXPORTS\nProcessPrng = advapi32.SystemFunction036\n' >"$work/prng.def"
x86_64-w64-mingw32-ld -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/prng.def"

run() { # PACKAGE [TESTS]
  go test -c -o "$work/test.exe" "./$1"
  (cd "$1" && timeout 120 "$wine" "$work/test.exe" -test.run "${2:-.}" >"$work/log" 2>&1) || { echo "FAIL $1"; cat "$work/log"; exit 1; }
  grep -q '^PASS' "$work/log" || { echo "FAIL $1: no result"; cat "$work/log"; exit 1; }
  echo "ok   $1 ${2:-}"
}
for package in internal/mask internal/maildate internal/inflate internal/line internal/sasl internal/wire internal/retry \
  protocols/expect protocols/pool protocols/http/internal/coding protocols/http/internal/cookiedate protocols/imap/internal/imapwire; do
  run "$package"
done
run protocols 'URL|Slashes|Registry|Error'
run protocols/file 'TestDrives|TestSafeName'
run protocols/mailstore 'InfoMark|HeaderText|FromDates'
