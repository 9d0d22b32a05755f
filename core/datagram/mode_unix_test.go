//go:build unix

package datagram_test

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

func TestModes(t *testing.T) {
	server := addrOf(t, listen(t, loopbacks[0], 0))
	for name, open := range map[string]func(datagram.Flag) (int, error){
		"Listen": func(f datagram.Flag) (int, error) { return datagram.Listen(loopbacks[0], f) },
		"Dial":   func(f datagram.Flag) (int, error) { return datagram.Dial(netip.AddrPort{}, server, f) },
	} {
		for _, flags := range []datagram.Flag{0, datagram.Inheritable} {
			fd, err := open(flags)
			ok(t, err)
			mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			ok(t, err)
			want(t, name+" does not block", mode&unix.O_NONBLOCK != 0, true)
			exec, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			ok(t, err)
			want(t, name+" is closed by exec", exec&unix.FD_CLOEXEC != 0, flags == 0)
			ok(t, evutil.CloseSocket(fd))
		}
	}
}

// A socket that some other code has left in blocking mode does not make a loop
// wait.
func TestBlockingSocketsDoNotWait(t *testing.T) {
	fd := listen(t, loopbacks[0], 0)
	ok(t, unix.SetNonblock(fd, false))
	b := datagram.NewBatch(4, 10)
	got, err := b.Recv(fd)
	ok(t, err)
	want(t, "messages", len(got), 0)
	send(t, fd, texts(addrOf(t, fd), "to itself"))
	recv(t, fd, 1)
}
