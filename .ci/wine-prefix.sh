#!/bin/sh
# Makes the folder $1 a Wine prefix in which Go programs for windows/amd64 run.
# Needs wine and x86_64-w64-mingw32-gcc, but no display. Running it again on a
# finished prefix changes nothing. Silent unless it fails.
set -eu

fail() {
	echo "wine-prefix.sh: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: wine-prefix.sh FOLDER"
for program in wine wineserver x86_64-w64-mingw32-gcc; do
	command -v "$program" >/dev/null || fail "$program is not installed"
done

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" 2>/dev/null || fail "cannot create $1"
WINEPREFIX=$(cd "$1" && pwd)
WINEDEBUG=-all
WINEDLLOVERRIDES="mscoree=d;mshtml=d;winemenubuilder.exe=d" # no mono and gecko dialogs, no menus
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES
unset DISPLAY

log=$(mktemp)
trap 'rm -f "$log"' EXIT

system32=$WINEPREFIX/drive_c/windows/system32
if [ ! -f "$WINEPREFIX/system.reg" ] || [ ! -d "$system32" ]; then
	wine wineboot --init >"$log" 2>&1 || fail "wineboot failed: $(cat "$log")"
	wineserver -w # the registry is written when the prefix comes to rest
	[ -d "$system32" ] || fail "wineboot made no $system32: $(cat "$log")"
fi

dll=$system32/bcryptprimitives.dll
source=$here/bcryptprimitives.c
if [ ! -f "$dll" ] || [ "$source" -nt "$dll" ]; then
	x86_64-w64-mingw32-gcc -O2 -Wall -s -shared -o "$dll.new" "$source" -ladvapi32 >"$log" 2>&1 ||
		fail "building bcryptprimitives.dll failed: $(cat "$log")"
	mv "$dll.new" "$dll"
fi
