package poller

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/windows"
)

// What Winsock's connections do, beyond the contract of Poller on every system.

func TestConnectedSocketIsWritable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		_, at := listen(t)
		fd := connectTo(t, at)
		d.watch(fd, Read|Write)
		d.expect(fd, Write)
	})
}

func TestRefusedConnectionIsReadyForWhatIsWatched(t *testing.T) {
	for _, want := range []Interest{Write, Read | Write} {
		eachPoller(t, func(t *testing.T, d *driver) {
			fd := connectTo(t, refusingAddress(t))
			d.watch(fd, want)
			d.expect(fd, want)
			d.expect(fd, want)
			const soError = 0x1007 // SO_ERROR
			n, err := windows.GetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soError)
			if err != nil || windows.Errno(n) != windows.WSAECONNREFUSED {
				t.Errorf("SO_ERROR is %d, %v, want WSAECONNREFUSED", n, err)
			}
		})
	}
}

// refusingAddress returns the address of a socket that does not listen.
func refusingAddress(t *testing.T) windows.Sockaddr {
	t.Helper()
	s := windows.Handle(newSocket(t))
	if err := windows.Bind(s, &windows.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := windows.Getsockname(s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestListenerIsReadableUntilAllAreAccepted(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		l, at := listen(t)
		d.watch(l, Read)
		d.expectNothing()
		for range 2 {
			connectTo(t, at)
		}
		for range 2 {
			d.expect(l, Read)
			s, _, err := sysio.Accept(l, sysio.Mode{})
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, s)
		}
		d.expectNothing()
	})
}

func TestResetIsReadyForWhatIsWatched(t *testing.T) {
	for _, want := range []Interest{Read, Read | Closed} {
		eachPoller(t, func(t *testing.T, d *driver) {
			if want&Closed != 0 && d.Method().Name != wepollMethod.Name {
				t.Skip("no early close")
			}
			a, b := socketPair(t)
			d.watch(a, want)
			d.expectNothing()
			writeFD(t, a, []byte("what is never read turns a close into a reset"))
			closeFD(b)
			d.expect(a, want)
			if underWine() {
				t.Skip("Wine's recv reports end of file after a reset")
			}
			if _, err := recv(a, make([]byte, 1)); !errors.Is(err, windows.WSAECONNRESET) {
				t.Errorf("recv after the reset: %v, want WSAECONNRESET", err)
			}
		})
	}
}

func TestSocketClosedWhileWatchedIsForgotten(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, _ := socketPair(t)
		d.watch(a, Read)
		d.expectNothing()
		closeFD(a)
		d.expectNothing()
		d.watch(a, 0) // is no error
	})
}

func TestUpdateOfWhatIsNoSocketFails(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		event, err := windows.CreateEvent(nil, 0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer windows.CloseHandle(event)
		closed, _ := socketPair(t)
		closeFD(closed)
		for name, fd := range map[string]int{"none": -1, "closed socket": closed, "event object": int(event)} {
			if err := d.Update(fd, 0, Read); !errors.Is(err, windows.WSAENOTSOCK) {
				t.Errorf("%s: %v, want WSAENOTSOCK", name, err)
			}
		}
		d.expectNothing()
	})
}

func TestOnlyReadySocketsOfManyAreReported(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		const n = 500
		var near, far [n]int
		for i := range n {
			near[i], far[i] = socketPair(t)
			d.watch(near[i], Read)
		}
		d.expectNothing()
		b := make([]byte, 1)
		for i := 0; i < n; i += n / 10 {
			writeFD(t, far[i], b)
			d.expect(near[i], Read)
			readFD(t, near[i], b)
		}
		all := make(map[int]Interest)
		for i := range n {
			writeFD(t, far[i], b)
			all[near[i]] = Read
		}
		d.expectAll(all)
		for i := range n {
			d.watch(near[i], 0)
		}
		d.expectNothing()
	})
}
