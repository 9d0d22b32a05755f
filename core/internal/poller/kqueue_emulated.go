//go:build linux && kqueue_emulation

package poller

import (
	"os"
	"time"

	emulation "github.com/go-libevent/libevent/core/internal/kqueue"
	"golang.org/x/sys/unix"
)

// The emulation of a kernel's kqueue, for tests: with the tag kqueue_emulation, Linux
// has the poller of macOS and the BSDs, and takes it first. The tags kqueue_netbsd and
// kqueue_openbsd select these systems, which wake up a wait in another way. Otherwise
// the system is that which the environment variable KQUEUE_SYSTEM names.

func init() { methods = append([]Method{kqueueMethod}, methods...) }

const (
	evAdd       = emulation.Add
	evDelete    = emulation.Delete
	evClear     = emulation.Clear
	noteTrigger = emulation.Trigger
)

var (
	kqueueSystem = emulatedSystem()
	fileNote     = kqueueSystem.FileNote
)

func emulatedSystem() *emulation.System {
	name := onlySystem
	if name == "" {
		name = os.Getenv("KQUEUE_SYSTEM")
	}
	for _, s := range emulation.Systems {
		if s.Name == name && (s.HasUser || onlySystem != "") {
			return s
		}
	}
	if name != "" {
		panic("KQUEUE_SYSTEM=" + name + ": there is no such system in this build")
	}
	return &emulation.Darwin
}

func kqueueOpen() (int, error) { return emulation.Open(kqueueSystem) }
func kqueueClose(kq int) error { return emulation.Close(kq) }
func kqueueCloseOnExec(kq int) { unix.CloseOnExec(kq) }

func keventNow(kq int, events []kevent) (int, error) { return emulate(kq, nil, events, 0) }

func keventWait(kq int, events []kevent, timeout *unix.Timespec) (int, error) {
	if timeout == nil {
		return emulate(kq, nil, events, -1)
	}
	return emulate(kq, nil, events, time.Duration(timeout.Nano()))
}

func keventChange(kq int, changes []kevent) error {
	_, err := emulate(kq, changes, nil, -1)
	return err
}
