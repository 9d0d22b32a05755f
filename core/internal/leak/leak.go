// Package leak finds goroutines and descriptors that tests have left behind. It is
// what package evtest has to offer for that, below all that evtest stands on.
//
// Both are counted for the whole process, in which a goroutine that was told to
// end may need a moment for it. So every check waits for a number to come down,
// and only fails if it does not.
package leak

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"
)

// Patience is how long a check waits. Only tests that fail wait that long.
var Patience = 20 * time.Second

// Check makes the test fail if it ends with more goroutines than it has now or,
// where the system can tell, more descriptors, or with fewer descriptors than the
// process was started with: what an earlier test has not quite closed may go
// meanwhile, but those are not the test's to close. It must come first in a test, so
// that its check comes after all other cleanups, and is not for tests that run in
// parallel.
func Check(t testing.TB) {
	t.Helper()
	goroutines, descriptors := runtime.NumGoroutine(), Descriptors()
	t.Cleanup(func() {
		Goroutines(t, goroutines)
		n := Settled(Descriptors, descriptors)
		if n > descriptors {
			t.Errorf("%d descriptors at the end, %d at the start", n, descriptors)
		}
		if n < permanent {
			t.Errorf("%d descriptors at the end, the process had %d from the start", n, permanent)
		}
	})
}

// Goroutines makes the test fail if more goroutines than limit stay.
func Goroutines(t testing.TB, limit int) {
	t.Helper()
	if n := Settled(runtime.NumGoroutine, limit); n > limit {
		stacks := make([]byte, 1<<16)
		stacks = stacks[:runtime.Stack(stacks, true)]
		t.Errorf("%d goroutines at the end, %d at the start:\n%s", n, limit, stacks)
	}
}

// Run runs the tests of a package, and returns a status for os.Exit that is not zero
// if they leave goroutines or descriptors behind or, where the system can tell, close
// descriptors of others.
func Run(m *testing.M) int {
	goroutines, descriptors := runtime.NumGoroutine(), Descriptors()
	code := m.Run()
	if code != 0 {
		return code
	}
	if n := Settled(runtime.NumGoroutine, goroutines); n > goroutines {
		stacks := make([]byte, 1<<16)
		stacks = stacks[:runtime.Stack(stacks, true)]
		fmt.Printf("%d goroutines before the tests, %d after them:\n%s\n", goroutines, n, stacks)
		return 1
	}
	if n := Settled(Descriptors, descriptors); n != descriptors {
		fmt.Printf("%d descriptors before the tests, %d after them\n", descriptors, n)
		return 1
	}
	return 0
}

// permanent is the number of descriptors that the process was started with.
var permanent = Descriptors()

// init starts what stays for the rest of the process: the goroutine of os/signal,
// the descriptors of the runtime's network poller, and Winsock's. A test that runs in
// a bubble of testing/synctest must not be what starts them: the goroutine would
// belong to the bubble.
func init() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	signal.Stop(ch)
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
}

// Settled returns what count does, once that is down to limit or does not seem
// to get there. It sleeps between the attempts, as time stands still for a goroutine
// that goes on in a bubble of testing/synctest.
func Settled(count func() int, limit int) int {
	const longest = 10 * time.Millisecond
	pause := 10 * time.Microsecond
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(pause) {
		if n := count(); n <= limit {
			return n
		}
		pause = min(2*pause, longest)
	}
	return count()
}

// Descriptors returns the number of open descriptors of the process, among them
// those that the runtime opens once and keeps, or -1 if the system does not tell:
// Wine has a folder of descriptors, too, but it tells of Wine's own.
func Descriptors() int {
	if runtime.GOOS == "windows" {
		return -1
	}
	const folder = "/dev/fd/"
	fds, err := os.ReadDir(folder)
	if err != nil {
		return -1
	}
	n := 0
	for _, fd := range fds {
		if to, err := os.Readlink(folder + fd.Name()); !passing(to, err) {
			n++
		}
	}
	return n
}

// passing reports whether a descriptor, which is a link in its folder, is one
// that comes and goes by itself: that of the folder as it was read, or the file
// from which glibc learns the number of processors when it starts a thread.
func passing(to string, err error) bool {
	return errors.Is(err, fs.ErrNotExist) || to == "/sys/devices/system/cpu/online"
}
