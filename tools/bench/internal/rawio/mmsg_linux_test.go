package rawio

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// udpSocket returns a blocking socket on the loopback interface, and its address.
func udpSocket(t *testing.T) (int, *unix.SockaddrInet4) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, sa.(*unix.SockaddrInet4)
}

// receiveAll receives n datagrams, in as many calls as it takes, and hands each
// call's to use.
func receiveAll(t *testing.T, b *Batch, fd, n int, use func(n int)) {
	t.Helper()
	for n > 0 {
		got, errno := b.Receive(fd)
		if errno != 0 {
			t.Fatal(errno)
		}
		use(got)
		n -= got
	}
}

func TestBatchesGoThereAndBack(t *testing.T) {
	const n = 5
	client, _ := udpSocket(t)
	server, serverAddr := udpSocket(t)
	if err := unix.Connect(client, serverAddr); err != nil {
		t.Fatal(err)
	}
	out, in, back := NewBatch(n, 100), NewBatch(3, 100), NewBatch(n, 100)
	for i := range n {
		out.SetLen(i, copy(out.Buffer(i), fmt.Sprint("query ", i)))
	}
	if errno := out.Send(client, n); errno != 0 {
		t.Fatal(errno)
	}
	seen := 0
	receiveAll(t, in, server, n, func(got int) {
		for i := range got {
			if want := fmt.Sprint("query ", seen); string(in.Received(i)) != want {
				t.Errorf("received %q, want %q", in.Received(i), want)
			}
			seen++
			in.SetLen(i, copy(in.Buffer(i), "reply"))
		}
		if errno := in.Reply(server, got); errno != 0 {
			t.Fatal(errno)
		}
	})
	receiveAll(t, back, client, n, func(got int) {
		for i := range got {
			if string(back.Received(i)) != "reply" {
				t.Errorf("received %q, want the reply", back.Received(i))
			}
		}
	})
}

func TestBatchFailsWhereNobodyIs(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	conn.Close()
	client, _ := udpSocket(t)
	if err := unix.Connect(client, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
		t.Fatal(err)
	}
	b := NewBatch(1, 10)
	if errno := b.Send(client, 1); errno != 0 {
		t.Fatal(errno)
	}
	if _, errno := b.Receive(client); errno != unix.ECONNREFUSED {
		t.Errorf("error %v, want %v", errno, unix.ECONNREFUSED)
	}
}
