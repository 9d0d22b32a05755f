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
		"Accept":  func() (int, unix.Errno) { return Accept(-1) },
		"Close":   func() (int, unix.Errno) { return 0, Close(-1) },
	} {
		if n, errno := call(); n != 0 || errno != unix.EBADF {
			t.Errorf("%s = %d, %v, want 0, %v", name, n, errno, unix.EBADF)
		}
	}
}

func TestConnectionsAreAcceptedUntilThereAreNone(t *testing.T) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	near, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*unix.SockaddrInet4).Port})
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	awaitReadable(t, listener)
	fd, errno := Accept(listener)
	if errno != 0 {
		t.Fatal(errno)
	}
	if _, errno := Read(fd, make([]byte, 1)); errno != unix.EAGAIN {
		t.Errorf("read: %v, want %v", errno, unix.EAGAIN)
	}
	if _, errno := Accept(listener); errno != unix.EAGAIN {
		t.Errorf("accept: %v, want %v", errno, unix.EAGAIN)
	}
	if errno := Close(fd); errno != 0 {
		t.Fatal(errno)
	}
	if n, err := near.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d bytes, %v, want %v", n, err, io.EOF)
	}
}
