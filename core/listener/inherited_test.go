package listener_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/listener"
)

// listenEnv sets the variables of socket activation for the time of the test.
func listenEnv(t *testing.T, pid, fds, names string) {
	t.Helper()
	t.Setenv("LISTEN_PID", pid)
	t.Setenv("LISTEN_FDS", fds)
	t.Setenv("LISTEN_FDNAMES", names)
}

func TestNothingIsInherited(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	for _, tt := range []struct{ name, pid, fds string }{
		{"without variables", "", ""},
		{"by another process", "1", "1"},
		{"by nobody", "", "1"},
		{"by a process that is none", "x", "1"},
		{"as there is no number", me, ""},
		{"as there are none", me, "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listenEnv(t, tt.pid, tt.fds, "")
			fds, err := listener.Inherited()
			if len(fds) > 0 || err != nil {
				t.Errorf("got %v, %v", fds, err)
			}
		})
	}
}

func TestWhatIsInheritedMustMakeSense(t *testing.T) {
	for _, tt := range []struct{ name, fds, names, about string }{
		{"no number", "some", "", "LISTEN_FDS=some"},
		{"a negative number", "-1", "", "LISTEN_FDS=-1"},
		{"a number beyond all", "99999999999999999999", "", "LISTEN_FDS=9"},
		{"too many names", "1", "a:b", "LISTEN_FDNAMES=a:b"},
		{"too few names", "2", "a", "LISTEN_FDNAMES=a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listenEnv(t, strconv.Itoa(os.Getpid()), tt.fds, tt.names)
			fds, err := listener.Inherited()
			if fds != nil || err == nil || !strings.Contains(err.Error(), tt.about) {
				t.Errorf("got %v, %v", fds, err)
			}
		})
	}
}
