//go:build unix

package listener_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"golang.org/x/sys/unix"
)

// asService is a shell that becomes a program like a service manager does: with
// the number of its process in the environment.
var asService = []string{"/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`}

// listening returns the file of a listening socket, and where it listens.
func listening(t *testing.T, network, address string) (*os.File, net.Addr) {
	t.Helper()
	l, err := net.Listen(network, address)
	ok(t, err)
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
	ok(t, err)
	t.Cleanup(func() { f.Close() })
	return f, l.Addr()
}

func TestListenersAreInherited(t *testing.T) {
	for _, names := range []string{"web:admin", ""} {
		t.Run("names "+names, func(t *testing.T) {
			if isChild() {
				serveInherited(t)
				return
			}
			tcp, tcpAddr := listening(t, "tcp", "127.0.0.1:0")
			local, localAddr := listening(t, "unix", unixPath(t))
			t.Setenv("LISTEN_FDS", "2")
			t.Setenv("LISTEN_FDNAMES", names)
			c := startChild(t, []*os.File{tcp, local}, asService...)
			wanted := strings.Split(names, ":")
			if names == "" {
				wanted = []string{"unknown", "unknown"}
			}
			for i, addr := range []net.Addr{tcpAddr, localAddr} {
				want(t, "descriptor", c.says(t, "listening"), fmt.Sprintf("%d %s %v", 3+i, wanted[i], addr))
				ends(t, dial(t, addr))
			}
			c.end(t)
		})
	}
}

// serveInherited is the child's part: it serves one connection on each listener
// that it has inherited.
func serveInherited(t *testing.T) {
	fds, err := listener.Inherited()
	ok(t, err)
	b := evtest.Base(t)
	for _, in := range fds {
		want(t, "is inheritable", modeOf(t, in.FD).inheritable, false)
		l, err := listener.New(b, in.FD, listener.CloseOnFree, 0, closeAfter(1))
		ok(t, err)
		fmt.Println("listening", in.FD, in.Name, l.Addr())
		run(t, b)
		l.Free()
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if value, set := os.LookupEnv(name); set {
			t.Errorf("%s=%s is left in the environment", name, value)
		}
	}
	again, err := listener.Inherited()
	if again != nil || err != nil {
		t.Errorf("the second time: %v, %v", again, err)
	}
}

// A number that is too large is found out, and the descriptors that there are
// stay open.
func TestInheritedDescriptorsMustBeOpen(t *testing.T) {
	if isChild() {
		_, err := listener.Inherited()
		wantError(t, "Inherited", err, unix.EBADF)
		fmt.Println("error", err)
		ok(t, evutil.SocketError(3))
		return
	}
	f, _ := listening(t, "tcp", "127.0.0.1:0")
	t.Setenv("LISTEN_FDS", "1000")
	c := startChild(t, []*os.File{f}, asService...)
	if text := c.says(t, "error"); !strings.HasPrefix(text, "listener: inherited descriptors: ") {
		t.Errorf("error %q", text)
	}
	c.end(t)
}
