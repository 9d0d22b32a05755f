package bufferevent_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// running runs the loop in a goroutine from here to the end of the test.
func running(t testing.TB, base *event.Base) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ended <- err
	}()
	t.Cleanup(func() {
		ok(t, base.LoopExit(0))
		ok(t, <-ended)
		settle(t, base) // what the last ones have left
	})
}

// onLoop runs fn on the loop, which is running, and waits for it.
func onLoop(t testing.TB, base *event.Base, fn func()) {
	t.Helper()
	done := make(chan struct{})
	ok(t, base.Post(func() { defer close(done); fn() }))
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the loop is stuck")
	}
}

// kinds of bufferevents that a Conn may stand on: each makes two that are
// connected to each other.
var kinds = map[string]func(t testing.TB, base *event.Base) (one, two *bufferevent.Bufferevent){
	"socket": func(t testing.TB, base *event.Base) (one, two *bufferevent.Bufferevent) {
		return connectedPair(t, base, 0)
	},
	"pair": newPair,
	"filter": func(t testing.TB, base *event.Base) (one, two *bufferevent.Bufferevent) {
		one, two = connectedPair(t, base, 0)
		return overFilter(t, one), overFilter(t, two)
	},
	"filter over a pair": func(t testing.TB, base *event.Base) (one, two *bufferevent.Bufferevent) {
		one, two = newPair(t, base)
		return overFilter(t, one), overFilter(t, two)
	},
}

func newPair(t testing.TB, base *event.Base) (one, two *bufferevent.Bufferevent) {
	t.Helper()
	one, two, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	t.Cleanup(one.Free)
	t.Cleanup(two.Free)
	return one, two
}

// overFilter puts a filter that changes every byte over a bufferevent.
func overFilter(t testing.TB, under *bufferevent.Bufferevent) *bufferevent.Bufferevent {
	t.Helper()
	flip := func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		n := src.Len()
		if limit >= 0 {
			n = min(n, limit)
		}
		p := make([]byte, n)
		if _, err := src.Remove(p); err != nil {
			return err
		}
		for i := range p {
			p[i] ^= 0xff
		}
		return dst.Add(p)
	}
	b, err := bufferevent.NewFilter(under, flip, flip, bufferevent.CloseOnFree, nil)
	ok(t, err)
	t.Cleanup(b.Free)
	return b
}

// onEveryKind runs a test with two Conns that are connected to each other, over
// every kind of bufferevents.
func onEveryKind(t *testing.T, test func(t *testing.T, one, two *bufferevent.Conn)) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			a, b := make(t, base)
			one, two := bufferevent.NewConn(a), bufferevent.NewConn(b)
			running(t, base)
			t.Cleanup(func() { one.Close(); two.Close() })
			test(t, one, two)
		})
	}
}

func TestConnMovesData(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		n, err := one.Write([]byte("hello"))
		ok(t, err)
		want(t, "written", n, 5)
		expectRead(t, two, "hel")
		expectRead(t, two, "lo")
		n, err = one.Write(nil)
		ok(t, err)
		want(t, "written", n, 0)
		n, err = two.Read(nil)
		ok(t, err)
		want(t, "read", n, 0)
	})
}

// Much data goes both ways at the same time, in pieces of all sizes.
func TestConnMovesMuchDataBothWays(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		data := make([]byte, 3<<20)
		for i := range data {
			data[i] = byte(i ^ i>>8 ^ i>>16)
		}
		var group sync.WaitGroup
		for i, pair := range [2][2]*bufferevent.Conn{{one, two}, {two, one}} {
			from, to := pair[0], pair[1]
			group.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 1))
				for rest := data; len(rest) > 0; {
					n := min(len(rest), 1+r.IntN(200<<10))
					if _, err := from.Write(rest[:n]); err != nil {
						t.Error(err)
						return
					}
					rest = rest[n:]
				}
				if err := from.CloseWrite(); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				got, err := io.ReadAll(to)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes of %d, or other ones: %v", len(got), len(data), err)
				}
			})
		}
		group.Wait()
	})
}

func TestConnHalfClose(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		_, err := one.Write([]byte("hello"))
		ok(t, err)
		ok(t, one.CloseWrite())
		all, err := io.ReadAll(two)
		ok(t, err)
		want(t, "until the end", string(all), "hello")
		_, err = two.Read(make([]byte, 1))
		want(t, "error after the end", err, io.EOF)
		_, err = one.Write([]byte("x"))
		wantError(t, "write", err, bufferevent.ErrClosed)
		_, err = two.Write([]byte("still open"))
		ok(t, err)
		expectRead(t, one, "still open")
	})
}

func TestConnCloseSendsWhatWasWritten(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		data := strings.Repeat("0123456789", 20<<10)
		received := make(chan string)
		go func() {
			p := make([]byte, len(data))
			n, _ := io.ReadFull(two, p)
			received <- string(p[:n])
		}()
		_, err := io.WriteString(one, data)
		ok(t, err)
		ok(t, one.Close())
		want(t, "everything came", <-received == data, true)
	})
}

// Close frees what the Conn stands on when that has been written, too, and a filter
// has given back what it has kept.
func TestConnCloseFreesWhatIsBelow(t *testing.T) {
	base := newBase(t)
	under, peer := newTCP(t, base, 0)
	var held []byte
	hoard := func(src, dst *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
		p, err := io.ReadAll(src)
		held = append(held, p...)
		if mode == bufferevent.ModeFinished {
			dst.Add(held)
			held = nil
		}
		return err
	}
	freed := make(chan struct{})
	b, err := bufferevent.NewFilter(under, nil, hoard, bufferevent.CloseOnFree, func() { close(freed) })
	ok(t, err)
	c := bufferevent.NewConn(b)
	running(t, base)
	data := strings.Repeat("0123456789", 1<<20) // more than the kernel takes
	_, err = io.WriteString(c, data)
	ok(t, err)
	ok(t, c.Close())
	var got strings.Builder
	for ended := false; !ended; {
		var part string
		part, ended = peer.receive()
		got.WriteString(part)
	}
	want(t, "everything came", got.String() == data, true)
	select {
	case <-freed:
	case <-time.After(patience):
		t.Fatal("the filter is not freed")
	}
}

func TestConnErrorsAfterClose(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		ok(t, one.Close())
		discard := func(_ int, err error) error { return err }
		for name, err := range map[string]error{
			"Read":             discard(one.Read(make([]byte, 1))),
			"Write":            discard(one.Write([]byte("x"))),
			"Write of nothing": discard(one.Write(nil)),
			"Close":            one.Close(),
			"CloseWrite":       one.CloseWrite(),
			"SetDeadline":      one.SetDeadline(time.Now()),
			"SetReadDeadline":  one.SetReadDeadline(time.Now()),
			"SetWriteDeadline": one.SetWriteDeadline(time.Time{}),
		} {
			wantError(t, name, err, net.ErrClosed)
			if _, is := errors.AsType[*net.OpError](err); !is {
				t.Errorf("%s: error %v is no net.OpError", name, err)
			}
		}
	})
}

// reading starts a Read that waits, and returns how it ends.
func reading(c net.Conn) <-chan error {
	result := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := c.Read(make([]byte, 1))
		result <- err
	}()
	<-started
	return result
}

// writing starts to write without end, and returns how it ends.
func writing(c net.Conn) <-chan error {
	result := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		var err error
		for block := make([]byte, 1<<20); err == nil; {
			_, err = c.Write(block)
		}
		result <- err
	}()
	<-started
	return result
}

func outcome(t testing.TB, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("it does not end")
		return nil
	}
}

func TestConnCloseWhileWaiting(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		readers := []<-chan error{reading(one), reading(one)}
		writers := []<-chan error{writing(one), writing(one)}
		ok(t, one.Close())
		for _, result := range append(readers, writers...) {
			wantError(t, "result", outcome(t, result), net.ErrClosed)
		}
	})
}

func TestConnCloseWriteWhileWriting(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		result := writing(one)
		ok(t, one.CloseWrite())
		wantError(t, "result", outcome(t, result), bufferevent.ErrClosed)
	})
}

func TestConnDeadlines(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		isTimeout := func(what string, err error) {
			t.Helper()
			wantError(t, what, err, os.ErrDeadlineExceeded)
			if netErr, is := errors.AsType[net.Error](err); !is || !netErr.Timeout() {
				t.Errorf("%s: %v is no timeout of package net", what, err)
			}
		}
		past := time.Unix(1, 0)

		ok(t, one.SetReadDeadline(past)) // counts at once
		isTimeout("read", outcome(t, reading(one)))
		ok(t, one.SetWriteDeadline(past))
		_, err := one.Write([]byte("x"))
		isTimeout("write", err)

		ok(t, one.SetDeadline(time.Now().Add(short))) // while waiting
		read, write := reading(one), writing(one)
		isTimeout("read", outcome(t, read))
		isTimeout("write", outcome(t, write))

		ok(t, one.SetDeadline(time.Time{})) // and not any more
		read, write = reading(one), writing(one)
		ok(t, one.SetReadDeadline(past)) // set while waiting
		isTimeout("read", outcome(t, read))
		ok(t, one.SetWriteDeadline(time.Now().Add(short).Round(0))) // by the wall clock
		isTimeout("write", outcome(t, write))

		ok(t, one.SetDeadline(time.Now().Add(patience)))
		ok(t, one.SetDeadline(time.Now().AddDate(1000, 0, 0)))
		ok(t, one.SetDeadline(time.Time{}))
		_, err = two.Write([]byte("x"))
		ok(t, err)
		expectRead(t, one, "x") // a timeout is nothing final
	})
}

// What is there is read, but not after the deadline.
func TestConnDeadlinesComeFirst(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		_, err := one.Write([]byte("hello"))
		ok(t, err)
		expectRead(t, two, "h")
		ok(t, two.SetReadDeadline(time.Unix(1, 0)))
		_, err = two.Read(make([]byte, 1))
		wantError(t, "read", err, os.ErrDeadlineExceeded)
		ok(t, two.SetReadDeadline(time.Time{}))
		expectRead(t, two, "ello")
	})
}

// A writer whose peer does not read waits, and needs no more memory than the
// buffers have; a reader that does not read lets the peer wait.
func TestConnBackPressure(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		ok(t, one.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		total := 0
		var err error
		for block := make([]byte, 1<<16); err == nil; {
			var n int
			n, err = one.Write(block)
			total += n
		}
		wantError(t, "write", err, os.ErrDeadlineExceeded)
		if total > 16<<20 { // most of it is in the kernel
			t.Errorf("%d bytes were taken from the writer", total)
		}
		ok(t, one.CloseWrite())
		n, err := io.Copy(io.Discard, two)
		ok(t, err)
		want(t, "bytes read", n, int64(total))
	})
}

// All methods may be called by many goroutines at the same time.
func TestConnInManyGoroutines(t *testing.T) {
	onEveryKind(t, func(t *testing.T, one, two *bufferevent.Conn) {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				p := make([]byte, 100)
				for i := range 200 {
					one.Write(p[:i%100])
					one.SetReadDeadline(time.Now().Add(short))
					one.SetWriteDeadline(time.Now().Add(patience))
					one.LocalAddr()
					_ = one.RemoteAddr().String()
				}
			})
			group.Go(func() {
				p := make([]byte, 100)
				for range 200 {
					two.SetReadDeadline(time.Now().Add(short))
					two.Read(p)
					two.Write(p[:1])
					one.SetReadDeadline(time.Now().Add(short))
					one.Read(p)
				}
			})
		}
		group.Wait()
	})
}

func TestConnResetByThePeer(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	c := bufferevent.NewConn(b)
	running(t, base)
	defer c.Close()
	_, err := c.Write([]byte("not read"))
	ok(t, err)
	read := reading(c)
	for received := 0; received == 0; {
		data, _ := peer.receive()
		received = len(data)
		if received > 0 {
			break
		}
	}
	_, err = c.Write([]byte("not read either"))
	ok(t, err)
	onLoop(t, base, func() {}) // it is on its way
	onLoop(t, base, func() {})
	peer.close()
	if err := outcome(t, read); err == nil {
		t.Error("could read")
	}
	if err := outcome(t, writing(c)); err == nil {
		t.Error("could write for ever")
	}
}

func TestConnWhoseWritesFail(t *testing.T) {
	base := newBase(t)
	b, _ := newTCP(t, base, 0)
	c := bufferevent.NewConn(b)
	defer sysio.SetHook(func(call sysio.Call) (int, error) {
		if call.Op == sysio.OpSend && call.FD == b.FD() {
			return 0, errReset
		}
		return call.Len, nil
	})()
	running(t, base)
	wantError(t, "write", outcome(t, writing(c)), errReset)
	read := reading(c)
	ok(t, c.Close()) // does not wait for what cannot be written
	wantError(t, "read", outcome(t, read), net.ErrClosed)
	for freed := false; !freed; {
		onLoop(t, base, func() { freed = b.Output().Len() == 0 })
	}
}

// The system tells of a reset once: who writes gets to know of it, and who reads
// must be told, after what had come before.
func TestConnThatIsResetWhileItWritesDoesNotReadOn(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	c := bufferevent.NewConn(b)
	defer sysio.SetHook(func(call sysio.Call) (int, error) {
		if call.Op == sysio.OpSend && call.FD == b.FD() {
			return 0, errReset
		}
		return call.Len, nil
	})()
	peer.send("last words")
	running(t, base)
	if _, err := c.Write([]byte("a question")); err != nil {
		wantError(t, "write", err, errReset)
	}
	expectRead(t, c, "last words")
	wantError(t, "read", outcome(t, reading(c)), errReset)
	ok(t, c.Close())
}

// What was written is lost by a failure on this side, of which the peer does not
// know: who waits for its answer is told.
func TestConnWhoseWritesAreLostDoesNotReadOn(t *testing.T) {
	base := newBase(t)
	b, _ := newTCP(t, base, 0)
	c := bufferevent.NewConn(b)
	defer sysio.SetHook(func(call sysio.Call) (int, error) {
		if call.Op == sysio.OpSend && call.FD == b.FD() {
			return 0, errNoBuffers
		}
		return call.Len, nil
	})()
	running(t, base)
	read := reading(c)
	if _, err := c.Write([]byte("a question")); err != nil {
		wantError(t, "write", err, errNoBuffers)
	}
	wantError(t, "read", outcome(t, read), errNoBuffers)
	ok(t, c.Close())
}

func TestConnOverAPairWhosePartnerIsFreed(t *testing.T) {
	base := newBase(t)
	one, two := newPair(t, base)
	c := bufferevent.NewConn(one)
	two.Free()
	running(t, base)
	wantError(t, "write", outcome(t, writing(c)), bufferevent.ErrNoPartner)
	ok(t, c.Close())
}

func TestConnOverAPairWhosePartnerIsFreedWhileItWrites(t *testing.T) {
	for name, over := range map[string]func(*testing.T, *bufferevent.Bufferevent) *bufferevent.Bufferevent{
		"the pair": func(_ *testing.T, b *bufferevent.Bufferevent) *bufferevent.Bufferevent { return b },
		"a filter": func(t *testing.T, b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
			return newFilter(t, b, nil, nil, bufferevent.CloseOnFree)
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			one, two := newPair(t, base)
			ok(t, two.Disable(event.Read))
			c := bufferevent.NewConn(over(t, one))
			running(t, base)
			write := writing(c)
			for waits := false; !waits; {
				onLoop(t, base, func() { waits = one.Output().Len() > 0 })
			}
			onLoop(t, base, two.Free)
			wantError(t, "write", outcome(t, write), bufferevent.ErrNoPartner)
			ok(t, c.Close())
		})
	}
}

func TestConnOverAPairWhosePartnerWasFreedBefore(t *testing.T) {
	base := newBase(t)
	one, two := newPair(t, base)
	f := newFilter(t, one, nil, nil, bufferevent.CloseOnFree)
	two.Free()
	c := bufferevent.NewConn(f)
	running(t, base)
	wantError(t, "write", outcome(t, writing(c)), bufferevent.ErrNoPartner)
	ok(t, c.Close())
}

// A Conn can be made before there is a connection.
func TestConnThatIsConnectedLater(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	c := bufferevent.NewConn(b)
	want(t, "network of none", c.RemoteAddr().Network(), "bufferevent")
	ok(t, b.Connect(h.addr()))
	running(t, base)
	_, err := c.Write([]byte("hello"))
	ok(t, err)
	other := h.accept()
	expectRead(t, other, "hello")
	_, err = other.Write([]byte("hello"))
	ok(t, err)
	expectRead(t, c, "hello")
	want(t, "local address", c.LocalAddr().String(), other.RemoteAddr().String())
	want(t, "remote address", c.RemoteAddr().String(), other.LocalAddr().String())
	want(t, "network", c.RemoteAddr().Network(), "tcp")
	ok(t, c.Close())
	all, err := io.ReadAll(other)
	ok(t, err)
	want(t, "until the end", string(all), "")
}

func TestConnThatCannotBeConnected(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	c := bufferevent.NewConn(b)
	ok(t, b.Connect(closedPort(t)))
	running(t, base)
	err := outcome(t, reading(c))
	want(t, "refused", evutil.IsConnectRefused(err), true)
	err = outcome(t, writing(c))
	want(t, "refused", evutil.IsConnectRefused(err), true)
	ok(t, c.Close())
}

func TestAddressesOfConns(t *testing.T) {
	base := newBase(t)
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	b, _ := overPair(t, base, pair, 0)
	for _, addr := range []net.Addr{bufferevent.NewConn(b).LocalAddr(), bufferevent.NewConn(b).RemoteAddr()} {
		if addr.Network() == "" {
			t.Errorf("address %v has no network", addr)
		}
	}
	one, _ := newPair(t, base)
	want(t, "address of a pair", bufferevent.NewConn(one).LocalAddr().String(), "bufferevent")
}

// What has arrived before belongs to the Conn, too.
func TestConnOverABufferThatHasData(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.Enable(event.Read))
	peer.send("early")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 5 })
	c := bufferevent.NewConn(b)
	expectRead(t, c, "early")
	running(t, base)
	peer.send(" bird")
	expectRead(t, c, " bird")
	ok(t, c.Close())
}

// The peer takes nothing of what was written before Close: after the timeout the
// bufferevent is freed all the same.
func TestConnCloseDoesNotWaitForEver(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	ok(t, b.SetTimeouts(0, 20*time.Millisecond))
	c := bufferevent.NewConn(b)
	running(t, base)
	result := writing(c) // more than the kernel takes
	for full := false; !full; {
		onLoop(t, base, func() { full = b.Output().Len() > 0 || b.Err() != nil })
	}
	c.Close()
	outcome(t, result)
	for freed := false; !freed; {
		onLoop(t, base, func() { freed = b.FD() < 0 })
	}
	peer.close()
}

func TestConnAfterTheBase(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	c := bufferevent.NewConn(b)
	base.Free()
	_, err := c.Write([]byte("x"))
	wantError(t, "write", err, event.ErrFreed)
	wantError(t, "close", c.Close(), event.ErrFreed)
}
