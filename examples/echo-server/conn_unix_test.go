//go:build unix

package main

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"golang.org/x/sys/unix"
)

// connect returns a client of a connection that the loop serves, and that takes
// little of what the server sends until the client reads.
func connect(t *testing.T, base *event.Base) *net.UnixConn {
	t.Helper()
	pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(pair[1]), "client")
	defer f.Close()
	client, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 4096); err != nil {
		t.Fatal(err)
	}
	serve(base, pair[0], netip.AddrPort{})
	return client.(*net.UnixConn)
}

func TestWhatWaitsIsSentAfterTheEndOfTheClientsStream(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	client := connect(t, base)
	var sent []byte
	for range 8 { // with the loop between, for systems whose pairs hold little
		part := bytes.Repeat([]byte{byte(len(sent))}, 4000)
		if _, err := client.Write(part); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, part...)
		runLoop(t, base)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	runLoop(t, base) // it learns of the end before anything is read

	var got bytes.Buffer
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(&got, client)
		done <- err
	}()
	if err := base.Dispatch(); err != nil { // until the connection is freed
		t.Fatal(err)
	}
	if err := <-done; err != nil || !bytes.Equal(got.Bytes(), sent) {
		t.Errorf("%d bytes came back for %d, or they differ; %v", got.Len(), len(sent), err)
	}
}

// runLoop lets the loop read and write all that it can now.
func runLoop(t *testing.T, base *event.Base) {
	t.Helper()
	for range 3 {
		if _, err := base.Loop(event.LoopNonblock); err != nil {
			t.Fatal(err)
		}
	}
}
