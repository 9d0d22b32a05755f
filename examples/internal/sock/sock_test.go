package sock

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// listen returns a listener that lasts for the test.
func listen(t *testing.T) *Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect returns both ends of a connection to l.
func connect(t *testing.T, l *Listener) (client net.Conn, fd int) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	await(t, l.FD())
	fd, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { evutil.CloseSocket(fd) })
	return client, fd
}

// await waits until fd is readable.
func await(t *testing.T, fd int) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	err = base.Once(fd, event.Read, time.Minute, func(_ *event.Event, what event.What) {
		if what&event.Read == 0 {
			t.Fatalf("waited for fd %d: %v", fd, what)
		}
	})
	if err := errors.Join(err, base.Dispatch()); err != nil {
		t.Fatal(err)
	}
}

func TestAcceptDoesNotBlock(t *testing.T) {
	if _, err := listen(t).Accept(); !evutil.IsAcceptRetriable(err) {
		t.Errorf("error %v, want a retriable one", err)
	}
}

func TestReadDoesNotBlock(t *testing.T) {
	_, fd := connect(t, listen(t))
	if n, err := Read(fd, make([]byte, 8)); n != 0 || !evutil.IsRetriable(err) {
		t.Errorf("read %d, %v, want a retriable error", n, err)
	}
}

func TestWriteDoesNotBlock(t *testing.T) {
	_, fd := connect(t, listen(t))
	data := make([]byte, 1<<20)
	for range 1 << 10 {
		n, err := Write(fd, data)
		if evutil.IsRetriable(err) {
			return
		}
		if n <= 0 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	t.Error("a gigabyte was written and nobody read it")
}

func TestReadAndWriteTransferData(t *testing.T) {
	client, fd := connect(t, listen(t))
	if _, err := client.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	await(t, fd)
	buf := make([]byte, 64)
	if n, err := Read(fd, buf); string(buf[:n]) != "question" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if n, err := Write(fd, []byte("answer")); n != 6 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if _, err := io.ReadFull(client, buf[:6]); string(buf[:6]) != "answer" || err != nil {
		t.Errorf("the client read %q, %v", buf[:6], err)
	}
}

func TestReadReturnsZeroAtTheEndOfTheStream(t *testing.T) {
	client, fd := connect(t, listen(t))
	client.Close()
	await(t, fd)
	if n, err := Read(fd, make([]byte, 8)); n != 0 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestListenReportsAnAddressInUse(t *testing.T) {
	_, err := Listen(listen(t).Addr())
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		t.Errorf("error %v, want one of the system's", err)
	}
}
