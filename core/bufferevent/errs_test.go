package bufferevent_test

import (
	"io"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// wantEnds checks what has ended reading, and what writing.
func wantEnds(t testing.TB, b *bufferevent.Bufferevent, read, write error) {
	t.Helper()
	wantError(t, "ReadErr", b.ReadErr(), read)
	wantError(t, "WriteErr", b.WriteErr(), write)
}

func TestErrorsOfDirections(t *testing.T) {
	reset := sysio.ErrRefused // any error of the system that ends a stream
	for _, tt := range []struct {
		name        string
		do          func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer)
		until       string // what the callbacks are told, or "" to run the loop once
		read, write error
	}{
		{"nothing has ended", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			p.send("hello")
		}, "read", nil, nil},
		{"the peer has ended its stream", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			p.shutdown()
		}, "reading|EOF", io.EOF, nil},
		{"the writing side was closed", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			ok(t, b.CloseWrite())
		}, "", nil, bufferevent.ErrClosed},
		{"both", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			p.shutdown()
			ok(t, b.CloseWrite())
		}, "reading|EOF", io.EOF, bufferevent.ErrClosed},
		{"a write fails", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			t.Cleanup(sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, reset)))
			write(t, b, "hello")
		}, "writing|error", nil, reset},
		{"a read fails", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			t.Cleanup(sysio.SetHook(refuse(sysio.OpRecv, b.FD(), 1, reset)))
			p.send("hello")
		}, "reading|error", reset, reset},
		{"a timeout has passed", func(t testing.TB, base *event.Base, b *bufferevent.Bufferevent, p *peer) {
			ok(t, b.SetTimeouts(time.Nanosecond, 0))
		}, "reading|timeout", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t)
			b, p := newSocket(t, base, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			tt.do(t, base, b, p)
			if tt.until != "" {
				d.await(t, base, tt.until)
			} else {
				evtest.Turn(t, base)
			}
			wantEnds(t, b, tt.read, tt.write)
		})
	}
}

// The first error of a direction stays, whatever Err is about by then.
func TestErrorsOfDirectionsStay(t *testing.T) {
	base := newBase(t)
	b, p := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	t.Cleanup(sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, sysio.ErrRefused)))
	write(t, b, "hello")
	d.await(t, base, "writing|error")
	ok(t, b.Enable(event.Read))
	p.shutdown()
	d.await(t, base, "reading|EOF")
	wantError(t, "Err", b.Err(), io.EOF)
	wantEnds(t, b, io.EOF, sysio.ErrRefused)
}

// With another descriptor both directions begin anew.
func TestErrorsOfDirectionsEndWithTheDescriptor(t *testing.T) {
	base := newBase(t)
	b, p := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	ok(t, b.CloseWrite())
	p.shutdown()
	d.await(t, base, "reading|EOF")
	wantEnds(t, b, io.EOF, bufferevent.ErrClosed)
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	newPeer(t, pair[1])
	owned(t, b.FD())
	ok(t, b.SetFD(pair[0]))
	wantEnds(t, b, nil, nil)
}

func TestErrorsOfDirectionsOfHalfAPair(t *testing.T) {
	base := newBase(t)
	b, other, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	t.Cleanup(b.Free)
	var d diary
	d.keep(b)
	wantEnds(t, b, nil, nil)
	other.Free()
	settle(t, base)
	wantError(t, "WriteErr", b.WriteErr(), bufferevent.ErrNoPartner)
}

func TestErrorOfConnectionThatFails(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.Connect(closedPort(t)))
	d.await(t, base, "error")
	wantEnds(t, b, b.Err(), b.Err())
	if b.ReadErr() == nil {
		t.Error("no error")
	}
	h := newHost(t)
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
	wantEnds(t, b, nil, nil)
}
