package evutil

import (
	"math"
	"syscall"
	"time"
)

// SetTCPKeepAlive turns TCP keep-alive on a socket on or off.
//
// When on is true and idle is positive, the first probe is sent after the
// connection has been idle for that long, further ones at intervals of a
// third of it, and the connection fails when three of them stay unanswered:
// after twice idle in all. Times are whole seconds, at least one; fractions
// of idle are rounded up. When idle is zero or negative, the system's own
// times, often two hours, stay in force; libevent does nothing then. When on
// is false, idle has no meaning.
//
// OpenBSD has no times of a connection's own, so that there only the switch
// has an effect. Solaris and illumos take times from ten seconds to ten days,
// and nearer ones are used instead of others. Windows before version 1709
// sends ten probes, as does Solaris before 11.4 at growing intervals
// (evutil_set_tcp_keepalive).
func SetTCPKeepAlive(fd int, on bool, idle time.Duration) error {
	enable := 0
	if on {
		enable = 1
	}
	err := setSockopt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, enable, "SO_KEEPALIVE")
	if err != nil || !on || idle <= 0 {
		return err
	}
	return setKeepAliveTimes(fd, newKeepAliveTimes(idle))
}

// keepAliveProbes is the number of unanswered probes that ends a connection.
const keepAliveProbes = 3

// keepAliveTimes are the times of TCP keep-alive in seconds.
type keepAliveTimes struct {
	idle     int // silence before the first probe
	interval int // from one probe to the next
}

func newKeepAliveTimes(idle time.Duration) keepAliveTimes {
	seconds := int64((idle-1)/time.Second) + 1
	seconds = min(seconds, math.MaxInt32)
	return keepAliveTimes{
		idle:     int(seconds),
		interval: max(1, int(seconds/keepAliveProbes)),
	}
}
