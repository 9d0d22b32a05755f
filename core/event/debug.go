package event

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

var (
	debugMode    atomic.Bool
	debugTooLate atomic.Bool // a base exists
)

// EnableDebugMode makes misuse fatal that otherwise only returns an error, and
// looks for more of it: events of a base without a lock used outside the
// goroutine of its loop, and descriptors in blocking mode. It is slow. It must
// be called before the first base is made, and cannot be taken back
// (event_enable_debug_mode).
func EnableDebugMode() {
	if debugMode.Load() {
		return
	}
	if debugTooLate.Load() {
		evlog.Fatal(opError("enable debug mode", errors.New("called after a base was made")))
		return
	}
	debugMode.Store(true)
}

// DebugUnassign makes an idle event unassigned. C programs in debug mode call
// it before they reuse an event's memory; here Assign on an idle event is
// always fine (event_debug_unassign).
func (ev *Event) DebugUnassign() {
	if !ev.idle() {
		logMisuse("unassign", fmt.Errorf("%v: %w", ev, ErrPending))
		return
	}
	ev.flags = 0
}

// blocks reports whether fd is open and known to be in blocking mode.
func blocks(fd int) bool {
	nonblocking, err := sysio.Nonblocking(fd)
	return err == nil && !nonblocking
}

// debugNonblocking checks in debug mode that a descriptor that an event is
// assigned to does not block.
func debugNonblocking(fd int) error {
	if fd < 0 || !debugMode.Load() || !blocks(fd) {
		return nil // a closed descriptor is Add's to report
	}
	return fmt.Errorf("fd %d: %w", fd, ErrBlockingDescriptor)
}

// checkConfinement checks in debug mode that a base without a lock is used by
// the goroutine that runs it.
func (b *Base) checkConfinement() error {
	if b.running.Load() && b.owner.Load() != evthread.Goroutine() {
		return ErrConfinement
	}
	return nil
}

// showMethod logs the method if the environment asks for it.
func showMethod(b *Base) {
	if b.config.Flags&IgnoreEnv == 0 && inEnv("EVENT_SHOW_METHOD") {
		evlog.Logf(evlog.Msg, "libevent using: %s", b.Method())
	}
}
