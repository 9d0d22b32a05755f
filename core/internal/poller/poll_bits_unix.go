//go:build unix

package poller

import "golang.org/x/sys/unix"

// pollBits translates an Interest to what poll(2) and its kin ask for.
func pollBits(in Interest) int16 {
	var bits int16
	if in&Read != 0 {
		bits |= unix.POLLIN
	}
	if in&Write != 0 {
		bits |= unix.POLLOUT
	}
	if in&Closed != 0 {
		bits |= pollRDHUP
	}
	return bits
}

// pollReady translates what poll(2) and its kin answer. An error, a full
// hangup and a descriptor that was closed make it ready in every way:
// whichever condition is watched, its owner must learn of it, or the loop
// would spin.
func pollReady(bits int16) Interest {
	if bits&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		return Conditions
	}
	var in Interest
	if bits&unix.POLLIN != 0 {
		in |= Read
	}
	if bits&unix.POLLOUT != 0 {
		in |= Write
	}
	if bits&pollRDHUP != 0 {
		in |= Closed
	}
	return in
}
