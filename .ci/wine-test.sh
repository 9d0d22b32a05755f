#!/bin/sh
# Runs a Windows program under Wine, for "go test -exec". WINEPREFIX names a
# prefix that wine-prefix.sh has made:
#
#	GOOS=windows go test -exec "$PWD/.ci/wine-test.sh" ./...
#
# Wine's server stays for a few seconds, so that the next program starts at
# once; "wineserver -w" waits until that of WINEPREFIX has ended.
set -eu

: "${WINEPREFIX:?wine-test.sh: set WINEPREFIX to a folder made by wine-prefix.sh}"
export WINEDEBUG="${WINEDEBUG:--all}"
export WINEDLLOVERRIDES="mscoree=d;mshtml=d;winemenubuilder.exe=d"
unset DISPLAY
exec wine "$@"
