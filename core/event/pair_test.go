package event_test

import (
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/internal/simnet"
)

// The tests close descriptors in the middle of things, and the system gives
// their numbers to others. So that none is closed twice, all that are open are
// kept here. Only the test's own goroutine may use them.
var openFDs = make(map[int]bool)

// owned closes fd at the end of the test, unless closeFD did before.
func owned(t testing.TB, fd int) int {
	openFDs[fd] = true
	t.Cleanup(func() {
		if openFDs[fd] {
			closeFD(t, fd)
		}
	})
	return fd
}

func closeFD(t testing.TB, fd int) {
	t.Helper()
	delete(openFDs, fd)
	ok(t, sysClose(fd))
}

// socketPair returns the ends of a connection. They do not block.
func socketPair(t testing.TB) (a, b int) {
	t.Helper()
	a, b, err := sysPair()
	ok(t, err)
	return owned(t, a), owned(t, b)
}

// send writes data to one end of a connection and waits until it has come to
// the other, which it does after all that was sent before.
func send(t testing.TB, from, to int, data string) {
	t.Helper()
	if isSimulated(to) {
		write(t, from, data)
		return
	}
	before := available(t, to)
	write(t, from, data)
	for available(t, to) < before+len(data) {
		runtime.Gosched()
	}
}

func write(t testing.TB, fd int, data string) {
	t.Helper()
	n, err := sysWrite(fd, []byte(data))
	ok(t, err)
	same(t, "bytes written", n, len(data))
}

// isSimulated reports whether fd is that of a simulated network, within whose hosts
// everything arrives at once.
func isSimulated(fd int) bool { return fd >= simnet.FirstFD }

// available returns how much there is to read, up to what a test ever leaves.
func available(t testing.TB, fd int) int {
	t.Helper()
	var buf [256]byte
	n, err := sysPeek(fd, buf[:])
	if wouldBlock(err) {
		return 0
	}
	ok(t, err)
	return n
}

// readAll reads what there is and returns it, and whether the end of file came.
func readAll(t testing.TB, fd int) (data string, eof bool) {
	t.Helper()
	var buf [256]byte
	for {
		n, err := sysRead(fd, buf[:])
		switch {
		case wouldBlock(err):
			return data, false
		case err != nil:
			t.Fatal(err)
		case n == 0:
			return data, true
		}
		data += string(buf[:n])
	}
}

// fill writes until the descriptor takes no more, and returns how much it took.
func fill(t testing.TB, fd int) int {
	t.Helper()
	chunk := make([]byte, 1<<16)
	for total := 0; ; {
		n, err := sysWrite(fd, chunk)
		if wouldBlock(err) {
			return total
		}
		ok(t, err)
		total += n
	}
}

// shutdown ends the sending side of one end of a connection, and waits until
// the other knows.
func shutdown(t testing.TB, fd, peer int) {
	t.Helper()
	ok(t, sysShutdown(fd))
	awaitEnd(t, peer)
}

// hangUp closes one end of a connection, and waits until the other knows.
func hangUp(t testing.TB, fd, peer int) {
	t.Helper()
	closeFD(t, fd)
	awaitEnd(t, peer)
}

// awaitEnd waits until the end of file has come, if there is nothing to read
// before it; else it cannot be seen, and is taken to be there with the data.
func awaitEnd(t testing.TB, fd int) {
	t.Helper()
	var buf [1]byte
	for !isSimulated(fd) {
		_, err := sysPeek(fd, buf[:])
		if !wouldBlock(err) {
			return
		}
		runtime.Gosched()
	}
}
