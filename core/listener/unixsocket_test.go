package listener_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// newUnix makes a listener that is freed at the end of the test.
func newUnix(t testing.TB, b *event.Base, path string, flags listener.Flag) *listener.Listener {
	t.Helper()
	l, err := listener.NewUnix(b, path, flags, listener.DefaultBacklog, nil)
	ok(t, err)
	t.Cleanup(l.Free)
	return l
}

// exists checks whether there is a file.
func exists(t testing.TB, path string, wanted bool) {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	want(t, path+" exists", err == nil, wanted)
}

func TestUnixSocketsServe(t *testing.T) {
	path := unixPath(t)
	b := evtest.Base(t)
	l := newUnix(t, b, path, listener.CloseOnFree)
	want(t, "address", l.Addr().String(), path)
	want(t, "network", l.Addr().Network(), "unix")
	want(t, "address of TCP", l.AddrPort(), netip.AddrPort{})
	ok(t, l.SetCallback(func(_ *listener.Listener, fd int, peer netip.AddrPort) {
		evutil.CloseSocket(fd)
		want(t, "peer is valid", peer.IsValid(), false)
		b.LoopBreak()
	}))
	dial(t, l.Addr())
	run(t, b)
	works(t, l)
}

func TestUnixSocketsGoWithTheirFile(t *testing.T) {
	path := unixPath(t)
	b := evtest.Base(t)
	l := newUnix(t, b, path, listener.CloseOnFree)
	exists(t, path, true)
	l.Free()
	exists(t, path, false)

	kept := newUnix(t, b, path, 0)
	kept.Free()
	exists(t, path, true) // and the socket is open
	l, err := listener.New(b, kept.FD(), listener.CloseOnFree, 0, nil)
	ok(t, err)
	works(t, l)
	l.Free()
}

func TestAnothersFileStays(t *testing.T) {
	path := unixPath(t)
	b := evtest.Base(t)
	first := newUnix(t, b, path, listener.CloseOnFree)
	ok(t, os.Rename(path, path+"2")) // so that the next gets another inode
	second := newUnix(t, b, path, listener.CloseOnFree)
	first.Free()
	exists(t, path, true)
	works(t, second)
}

func TestRelativePathsAreFoundFromElsewhere(t *testing.T) {
	path := unixPath(t)
	b := evtest.Base(t)
	t.Chdir(filepath.Dir(path))
	l := newUnix(t, b, filepath.Base(path), listener.CloseOnFree)
	t.Chdir(os.TempDir())
	l.Free()
	exists(t, path, false)
}

func TestFilesInTheWay(t *testing.T) {
	const reuse, flags = listener.CloseOnFree | listener.Reuseable, listener.CloseOnFree
	b := evtest.Base(t)
	live := func(t *testing.T, path string) { newUnix(t, b, path, flags) }
	tests := []struct {
		name  string
		put   func(t *testing.T, path string)
		flags listener.Flag
		want  error
	}{
		{"one of a program that is gone", leaveStale, reuse, nil},
		{"one of a program that is gone, not to be reused", leaveStale, flags, listener.ErrAddrInUse},
		{"one of a program that is there", live, reuse, listener.ErrAddrInUse},
		{"one of a program that is busy", leaveBusy, reuse, listener.ErrAddrInUse},
		{"one that is no socket", leaveFile, reuse, listener.ErrAddrInUse},
		{"none", func(*testing.T, string) {}, reuse, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := unixPath(t)
			tt.put(t, path)
			l, err := listener.NewUnix(b, path, tt.flags, -1, nil)
			if tt.want != nil {
				wantError(t, "NewUnix", err, tt.want)
				exists(t, path, true)
				return
			}
			ok(t, err)
			works(t, l)
			l.Free()
			exists(t, path, false)
		})
	}
}

func leaveStale(t *testing.T, path string) {
	l, err := net.Listen("unix", path)
	ok(t, err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	ok(t, l.Close())
}

// leaveBusy leaves a listener that cannot take another connection.
func leaveBusy(t *testing.T, path string) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere it looks like one that is gone")
	}
	fd, err := sysio.Socket(syscall.AF_UNIX, sysio.Mode{})
	ok(t, err)
	t.Cleanup(func() { evutil.CloseSocket(fd) })
	ok(t, sysio.Bind(fd, sysio.UnixSockaddr(path)))
	ok(t, sysio.Listen(fd, 1))
	for err == nil {
		client, e := sysio.Socket(syscall.AF_UNIX, sysio.Mode{})
		ok(t, e)
		defer evutil.CloseSocket(client)
		err = sysio.Connect(client, sysio.UnixSockaddr(path))
	}
	want(t, "a connection too many", err, sysio.ErrAgain)
}

func leaveFile(t *testing.T, path string) { ok(t, os.WriteFile(path, nil, 0o600)) }
