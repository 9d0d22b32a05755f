package evtest

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/leak"
)

// Patience is how long the functions of this package wait for what must happen
// before they fail the test.
const Patience = time.Minute

// Leaks makes the test fail if it ends with more goroutines than it has now or,
// where the system can tell, more descriptors, or fewer than the process was started
// with, which are not its to close. Call it before
// anything is made that the test cleans up, as its check comes after all clean-ups
// that are registered later. It is not for tests that run in parallel.
func Leaks(t testing.TB) {
	t.Helper()
	leak.Check(t)
}

// Run runs the tests of a package, and returns a status for os.Exit that is not zero
// if they leave goroutines or descriptors behind. It is for a TestMain that watches a
// whole package, whose tests may run in parallel:
//
//	func TestMain(m *testing.M) { os.Exit(evtest.Run(m)) }
func Run(m *testing.M) int { return leak.Run(m) }

// Goroutines makes the test fail if more than limit goroutines stay: what
// runtime.NumGoroutine returned before, say. It waits, as a goroutine that was told
// to end may need a moment for it.
func Goroutines(t testing.TB, limit int) {
	t.Helper()
	leak.Goroutines(t, limit)
}

// Descriptors returns the number of open descriptors of the process, or -1 if the
// system does not tell, as on Windows. Those that the runtime opens once and keeps
// are open when it returns.
func Descriptors() int { return leak.Descriptors() }

// Settled returns what count does, once that is down to limit or, after some time,
// does not seem to get there.
func Settled(count func() int, limit int) int { return leak.Settled(count, limit) }
