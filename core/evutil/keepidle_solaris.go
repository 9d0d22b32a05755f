//go:build !illumos

package evutil

// The constants of package unix are those of illumos; Solaris 11.4 chose
// others.
const (
	tcpKeepIdle     = 0x1d
	tcpKeepInterval = 0x1e
	tcpKeepCount    = 0x1f
)
