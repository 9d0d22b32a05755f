//go:build !linux

package bufferevent_test

import (
	"net/netip"
	"testing"
)

// blackHole would return an address that never answers.
func blackHole(t testing.TB) netip.AddrPort {
	t.Helper()
	t.Skip("nobody keeps silent on this system")
	return netip.AddrPort{}
}
