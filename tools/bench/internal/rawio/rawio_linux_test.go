package rawio

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// tcpPair returns two ends of a TCP connection, the second one of them as a
// descriptor that does not block.
func tcpPair(t *testing.T) (net.Conn, int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	raw, err := far.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	if err := raw.Control(func(f uintptr) { fd = int(f) }); err != nil {
		t.Fatal(err)
	}
	return near, fd
}

// awaitReadable returns when fd has something to read.
func awaitReadable(t *testing.T, fd int) {
	t.Helper()
	set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(set, -1); err != unix.EINTR {
			return
		}
	}
}

func TestBytesArriveInOrder(t *testing.T) {
	near, fd := tcpPair(t)
	if _, errno := Read(fd, make([]byte, 1)); errno != unix.EAGAIN {
		t.Fatalf("read of an empty socket: %v, want %v", errno, unix.EAGAIN)
	}
	near.Write([]byte("hello, world"))
	awaitReadable(t, fd)
	if n, errno := Discard(fd, 7); n != 7 || errno != 0 {
		t.Fatalf("Discard = %d, %v, want 7 bytes", n, errno)
	}
	buf := make([]byte, 64)
	n, errno := Read(fd, buf)
	if string(buf[:n]) != "world" || errno != 0 {
		t.Errorf("Read %q, %v, want world", buf[:n], errno)
	}
	want := bytes.Repeat([]byte("x"), 100)
	if n, errno := Write(fd, want); n != len(want) || errno != 0 {
		t.Fatalf("Write = %d, %v, want %d bytes", n, errno, len(want))
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(near, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %q, %v, want %q", got, err, want)
	}
}

func TestBadDescriptorsAreErrors(t *testing.T) {
	p := make([]byte, 1)
	for name, call := range map[string]func() (int, unix.Errno){
		"Read":    func() (int, unix.Errno) { return Read(-1, p) },
		"Write":   func() (int, unix.Errno) { return Write(-1, p) },
		"Discard": func() (int, unix.Errno) { return Discard(-1, 1) },
	} {
		if n, errno := call(); n != 0 || errno != unix.EBADF {
			t.Errorf("%s = %d, %v, want 0, %v", name, n, errno, unix.EBADF)
		}
	}
}
