//go:build unix

package tlssocket_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/examples/internal/tlssocket"
	"github.com/go-libevent/libevent/openssl/evtls"
	"golang.org/x/sys/unix"
)

// message is more than what the kernel takes of it.
const message = 100_000

// A sender is a TLS server that sends a message and ends.
type sender struct {
	base     *event.Base
	client   net.Conn // the other end
	finished chan struct{}
}

// newSender makes one that finishes with a patience.
func newSender(t *testing.T, patience time.Duration) *sender {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Free)
	s := &sender{base: base, finished: make(chan struct{})}
	pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(pair[1]), "client")
	defer f.Close()
	if s.client, err = net.FileConn(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 4096); err != nil {
		t.Fatal(err)
	}
	cert, err := tlsconf.Generate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := tlssocket.New(base, pair[0], evtls.Accepting, &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		t.Fatal(err)
	}
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what != bufferevent.EventConnected {
			t.Errorf("event %v: %v", what, b.Err())
			tlssocket.Free(b)
			return
		}
		_, err := b.Write(make([]byte, message))
		if err := errors.Join(err, b.CloseWrite()); err != nil {
			t.Error(err)
		}
		if n := b.Output().Len(); n > 0 {
			t.Errorf("%d bytes are not encrypted", n)
		}
		close(s.finished)
		tlssocket.Finish(b, patience)
	})
	return s
}

// handshake connects the client, and waits until the sender has finished.
func (s *sender) handshake() (*tls.Conn, error) {
	conn := tls.Client(s.client, &tls.Config{InsecureSkipVerify: true})
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	<-s.finished
	return conn, nil
}

// run runs the loop until there is nothing left to wait for, and the client.
func (s *sender) run(t *testing.T, client func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- client() }()
	if err := errors.Join(s.base.Dispatch(), <-done); err != nil {
		t.Error(err)
	}
}

func TestFinishSendsWhatTheSocketHas(t *testing.T) {
	s := newSender(t, time.Minute)
	s.run(t, func() error {
		conn, err := s.handshake()
		if err != nil {
			return err
		}
		if got, err := io.ReadAll(conn); err != nil || len(got) != message {
			return fmt.Errorf("%d bytes came of %d, and %v", len(got), message, err)
		}
		return nil
	})
}

func TestFinishHasNoPatienceForEver(t *testing.T) {
	s := newSender(t, time.Millisecond)
	s.run(t, func() error {
		_, err := s.handshake()
		return err
	})
}

func TestFinishEndsWhenThePeerHasGone(t *testing.T) {
	s := newSender(t, 0)
	s.run(t, func() error {
		_, err := s.handshake()
		return errors.Join(err, s.client.Close())
	})
}

func TestNewLeavesTheDescriptorToTheCallerIfItFails(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	if _, err := tlssocket.New(base, pair[0], evtls.Accepting, &evtls.Config{}); err == nil {
		t.Error("a configuration that is missing is no error")
	}
	if err := unix.Close(pair[0]); err != nil {
		t.Error("the descriptor: ", err)
	}
}
