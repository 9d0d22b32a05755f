package evtls_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// What was written before the handshake goes out after it, both ways.
func TestConversation(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		for name, opts := range map[string]bufferevent.Options{"direct": 0, "deferred": bufferevent.DeferCallbacks} {
			t.Run(name, func(t *testing.T) {
				base := newBase(t)
				client, server := plain(version)
				c, s := newEnds(t, base, client, server, opts)
				write(t, c.b, long(300_000))
				write(t, s.b, "hello")
				settle(t, base)
				c.want(t, connected)
				s.want(t, connected)
				s.wantData(t, long(300_000))
				c.wantData(t, "hello")
				state, open := evtls.ConnectionState(c.b)
				want(t, "open", open, true)
				want(t, "version", state.Version, version)
				want(t, "name", state.PeerCertificates[0].DNSNames[0], serverName)
			})
		}
	})
}

// Over sockets, too, connecting included, and whatever the workers.
func TestSockets(t *testing.T) {
	for name, workers := range map[string]*evtls.Workers{"loop": nil, "workers": evtls.NewWorkers(2)} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			fds, err := evutil.LoopbackPair()
			ok(t, err)
			client, server := plain(0)
			client.Workers, server.Workers = workers, workers
			open := func(fd int, state evtls.State, cfg *evtls.Config) *end {
				ok(t, evutil.SetNonblock(fd))
				b, err := evtls.NewSocket(base, -1, state, cfg, bufferevent.CloseOnFree)
				ok(t, err)
				t.Cleanup(b.Free)
				ok(t, b.SetFD(fd)) // begins the handshake
				want(t, "descriptor", b.FD(), fd)
				ok(t, b.Enable(event.Read))
				return watch(b)
			}
			s := open(fds[1], evtls.Accepting, server)
			c := open(fds[0], evtls.Connecting, client)
			write(t, c.b, long(1<<20))
			ok(t, c.b.CloseWrite())
			evtest.Await(t, base, "end", func() bool { return s.has(eof) })
			s.want(t, connected, eof)
			s.wantData(t, long(1<<20))
		})
	}
}

// The write callback comes when everything has left, so that one who frees then
// loses nothing.
func TestFreeWhenWritten(t *testing.T) {
	base := newBase(t)
	fds, err := evutil.LoopbackPair()
	ok(t, err)
	client, server := plain(0)
	make := func(fd int, state evtls.State, cfg *evtls.Config) *bufferevent.Bufferevent {
		ok(t, evutil.SetNonblock(fd))
		b, err := evtls.NewSocket(base, fd, state, cfg, bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		ok(t, b.Enable(event.Read))
		return b
	}
	s := make(fds[1], evtls.Accepting, server)
	s.SetCallbacks(nil, func(b *bufferevent.Bufferevent) { b.Free() }, nil)
	write(t, s, long(3<<20))
	c := watch(make(fds[0], evtls.Connecting, client))
	evtest.Await(t, base, "end", func() bool { return c.has(cut) })
	c.wantData(t, long(3<<20))
	wantError(t, "event", c.errs[0], io.ErrUnexpectedEOF)
}

// The write callback waits for what an outer layer still has, too.
func TestWriteCallback(t *testing.T) {
	for name, layers := range map[string]int{"TLS": 1, "TLS in TLS": 2} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			a, b := newPair(t, base, 0)
			c := newEnd(t, a, evtls.Connecting, client, 0)
			s := newEnd(t, b, evtls.Accepting, server, 0)
			for range layers - 1 {
				c = newEnd(t, c.b, evtls.Connecting, client, 0)
				s = newEnd(t, s.b, evtls.Accepting, server, 0)
			}
			settle(t, base)
			c.want(t, connected)
			c.verbose = true
			ok(t, b.Disable(event.Read)) // nothing leaves
			write(t, c.b, "some")
			settle(t, base)
			want(t, "output left", c.b.Output().Len(), 0)
			c.want(t)
			ok(t, b.Enable(event.Read))
			settle(t, base)
			c.want(t, "write")
			settle(t, base)
			c.want(t)
			ok(t, b.Disable(event.Read))
			ok(t, c.b.SetWatermark(event.Write, 1000, 0))
			write(t, c.b, "some")
			settle(t, base)
			want(t, "told below the low watermark", c.has("write"), true)
		})
	}
}

// close_notify is the end; anything else is an error, unless the flag allows it.
func TestEndOfStream(t *testing.T) {
	end := func(dirty bool) string {
		if dirty {
			return eof
		}
		return cut
	}
	for _, dirty := range []bool{false, true} {
		eachSide(t, func(t *testing.T, state evtls.State, version uint16) {
			base := newBase(t)
			start := func() *line {
				cfg := &evtls.Config{TLS: sideTLS(state, version)}
				if dirty {
					cfg.Flags = evtls.DirtyShutdown
				}
				l := newLine(t, base, state, cfg, sideTLS(otherSide(state), version), func(c *tls.Conn) error {
					if _, err := c.Write([]byte("last words")); err != nil {
						return err
					}
					_, err := c.Read(make([]byte, 1))
					c.CloseWrite()
					return err
				})
				l.run()
				l.ours.want(t, connected)
				return l
			}
			l := start()
			l.peer.end() // sends close_notify
			l.run()
			l.ours.want(t, eof)
			l.ours.wantData(t, "last words")
			wantError(t, "after the end", l.ours.b.Err(), io.EOF)
			l.cutOff()
			l.ours.want(t)

			l = start() // cut off between records
			l.cutOff()
			l.ours.want(t, end(dirty))
			if !dirty {
				wantError(t, "event", l.ours.errs[0], io.ErrUnexpectedEOF)
			}
			want(t, "write after it", writes(l.ours.b), true)

			l = start() // and in the middle of one
			l.peer.end()
			l.put(l.peer.take()[:7])
			l.cutOff()
			l.ours.want(t, end(dirty))
		})
	}
}

func writes(b *bufferevent.Bufferevent) bool {
	_, err := b.WriteString("x")
	return err == nil
}

// The end of a stream comes after what was read before it, and when the user
// reads.
func TestEndComesAfterData(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	s.verbose = true
	write(t, c.b, "data")
	ok(t, s.b.Disable(event.Read))
	ok(t, c.b.CloseWrite())
	settle(t, base)
	s.want(t)
	ok(t, s.b.Enable(event.Read))
	s.want(t) // nothing from within the call
	settle(t, base)
	s.want(t, "read", eof)

	// The read callback may stop the reading, and the end waits.
	s.b.SetCallbacks(nil, nil, nil)
	c.b.SetCallbacks(func(b *bufferevent.Bufferevent) { b.Disable(event.Read) }, nil, c.onEvent)
	write(t, s.b, "data")
	ok(t, s.b.CloseWrite())
	settle(t, base)
	c.want(t)
	want(t, "input", c.b.Input().Len(), 4)
	ok(t, c.b.Enable(event.Read))
	settle(t, base)
	c.want(t, eof)
}

// Each direction ends on its own.
func TestHalfClose(t *testing.T) {
	eachVersion(t, func(t *testing.T, version uint16) {
		base := newBase(t)
		client, server := plain(version)
		c, s := newEnds(t, base, client, server, 0)
		write(t, c.b, "request")
		ok(t, c.b.CloseWrite()) // during the handshake
		_, err := c.b.WriteString("more")
		wantError(t, "write after CloseWrite", err, bufferevent.ErrClosed)
		settle(t, base)
		s.want(t, connected, eof)
		s.wantData(t, "request")
		write(t, s.b, long(100_000))
		settle(t, base)
		c.wantData(t, long(100_000))
		moved, err := s.b.Flush(event.Write, bufferevent.ModeFinished)
		ok(t, err)
		want(t, "moved the alert", moved, true)
		settle(t, base)
		c.want(t, connected, eof)
	})
}

// Flush encrypts at once, and hands what is below over.
func TestFlush(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	write(t, c.b, "now")
	moved, err := c.b.Flush(event.Write, bufferevent.ModeNormal)
	ok(t, err)
	want(t, "moved normally", moved, false)
	moved, err = c.b.Flush(event.Write, bufferevent.ModeFlush)
	ok(t, err)
	want(t, "moved", moved, true)
	want(t, "output left", c.b.Output().Len(), 0)
	settle(t, base)
	s.wantData(t, "now")
}

// records counts the records in what was sent.
func records(t testing.TB, data []byte) (n int) {
	t.Helper()
	for ; len(data) > 0; n++ {
		if len(data) < 5 {
			t.Fatalf("%d bytes are no record", len(data))
		}
		data = data[5+int(data[3])<<8+int(data[4]):]
	}
	return n
}

// BatchWrite makes one record of what lies in several pieces of memory.
func TestBatchWrite(t *testing.T) {
	for _, test := range []struct {
		flags evtls.Flags
		want  int
	}{{0, 2}, {evtls.BatchWrite, 1}} {
		base := newBase(t)
		cfg := &evtls.Config{TLS: clientTLS(0), Flags: test.flags}
		l := newLine(t, base, evtls.Connecting, cfg, serverTLS(0), func(c *tls.Conn) error {
			_, err := io.ReadAll(c)
			return err
		})
		l.run()
		l.ours.want(t, connected)
		for range 2 {
			ok(t, l.ours.b.Output().AddReference([]byte("a piece"), nil))
		}
		settle(t, base)
		p := make([]byte, l.wire.Input().Len())
		l.wire.Read(p)
		want(t, "records", records(t, p), test.want)
		want(t, "flags", evtls.GetFlags(l.ours.b), test.flags)
		l.peer.end()
	}
}

// Flags can be changed later, and unknown ones cannot.
func TestFlags(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	want(t, "dirty shutdown", evtls.AllowDirtyShutdown(c.b), false)
	ok(t, evtls.SetAllowDirtyShutdown(c.b, true))
	ok(t, evtls.SetFlags(c.b, evtls.BatchWrite))
	want(t, "flags", evtls.GetFlags(c.b), evtls.BatchWrite|evtls.DirtyShutdown)
	ok(t, evtls.ClearFlags(c.b, evtls.BatchWrite))
	want(t, "flags", evtls.GetFlags(c.b), evtls.DirtyShutdown)
	wantError(t, "unknown flag", evtls.SetFlags(c.b, 1<<9), evtls.ErrFlags)
	wantError(t, "unknown flag", evtls.ClearFlags(c.b, 1<<9), evtls.ErrFlags)
	ok(t, s.b.Underlying().CloseWrite())
	settle(t, base)
	c.want(t, eof)
	ok(t, evtls.SetAllowDirtyShutdown(c.b, false))
	want(t, "dirty shutdown", evtls.AllowDirtyShutdown(c.b), false)

	a, _ := newPair(t, base, 0)
	want(t, "flags of a pair", evtls.GetFlags(a), 0)
	wantError(t, "set flags of a pair", evtls.SetFlags(a, 0), evtls.ErrNotTLS)
	wantError(t, "renegotiate a pair", evtls.Renegotiate(a), evtls.ErrNotTLS)
	_, err := evtls.Detach(a)
	wantError(t, "detach a pair", err, evtls.ErrNotTLS)
	if evtls.TLSConn(a) != nil || evtls.TLSConn(nil) != nil || evtls.TLSConn(c.b) == nil {
		t.Error("TLSConn is wrong about what is TLS")
	}
	for _, b := range []*bufferevent.Bufferevent{a, nil} {
		if _, open := evtls.ConnectionState(b); open {
			t.Error("what is no TLS has a state")
		}
	}
}

// A peer that does not read does not make us hold more than the user has written,
// and reading goes on.
func TestBackPressure(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	ok(t, s.b.Disable(event.Read))
	write(t, c.b, long(10<<20))
	settle(t, base)
	if n := c.b.Underlying().Output().Len() + s.b.Underlying().Input().Len(); n > 300<<10 {
		t.Errorf("%d bytes were encrypted for nobody", n)
	}
	if n := c.b.Output().Len(); n < 9<<20 {
		t.Errorf("%d bytes are left to the user", n)
	}
	write(t, s.b, "still there?")
	settle(t, base)
	c.wantData(t, "still there?")
	ok(t, s.b.Enable(event.Read))
	settle(t, base)
	s.wantData(t, long(10<<20))
}

// A high watermark bounds what is decrypted, and what is below.
func TestHighWatermark(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	var got bytes.Buffer
	s.b.SetCallbacks(nil, nil, s.onEvent)
	ok(t, s.b.SetWatermark(event.Read, 0, 1000))
	write(t, c.b, long(1<<20))
	ok(t, c.b.CloseWrite())
	settle(t, base)
	for got.Len() < 1<<20 {
		if n := s.b.Input().Len(); n == 0 || n > 1000 {
			t.Fatalf("%d bytes of input with a watermark of 1000", n)
		}
		if got.Len()+s.b.Input().Len() < 1<<20 {
			s.want(t)
		}
		p := make([]byte, 999)
		n, err := s.b.Read(p)
		ok(t, err)
		got.Write(p[:n])
		settle(t, base)
	}
	s.want(t, eof)
	want(t, "what was read is right", got.String() == long(1<<20), true)
}

// A low watermark waits for more.
func TestLowWatermark(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	ok(t, s.b.SetWatermark(event.Read, 10, 0))
	write(t, c.b, "12345")
	settle(t, base)
	s.wantData(t, "")
	write(t, c.b, "67890")
	settle(t, base)
	s.wantData(t, "1234567890")
}

// Watermarks that what is below had before do not stop a handshake.
func TestForeignWatermark(t *testing.T) {
	base := newBase(t)
	a, b := newPair(t, base, 0)
	ok(t, a.SetWatermark(event.Read, 1<<20, 1<<21))
	ok(t, b.SetWatermark(event.Read|event.Write, 1<<20, 1<<21))
	client, server := plain(0)
	c := newEnd(t, a, evtls.Connecting, client, 0)
	s := newEnd(t, b, evtls.Accepting, server, 0)
	settle(t, base)
	c.want(t, connected)
	s.want(t, connected)
}

// A rate limit on the socket is one on its TLS; nothing is lost by it.
func TestRateLimit(t *testing.T) {
	base := newBase(t)
	fds, err := evutil.LoopbackPair()
	ok(t, err)
	client, server := plain(0)
	var ends [2]*end
	for i, state := range []evtls.State{evtls.Connecting, evtls.Accepting} {
		ok(t, evutil.SetNonblock(fds[i]))
		b, err := evtls.NewSocket(base, fds[i], state, []*evtls.Config{client, server}[i], bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		ok(t, b.Enable(event.Read))
		limit, err := bufferevent.NewTokenBucketConfig(4000, 4000, 4000, 4000, time.Millisecond)
		ok(t, err)
		ok(t, b.Underlying().SetRateLimit(limit))
		ends[i] = watch(b)
	}
	write(t, ends[0].b, long(100_000))
	ok(t, ends[0].b.CloseWrite())
	evtest.Await(t, base, "end", func() bool { return ends[1].has(eof) })
	ends[1].wantData(t, long(100_000))
}

// Timeouts are those of any bufferevent: for reading while nothing comes, for
// writing while the peer takes nothing, even if all is encrypted already.
func TestTimeouts(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	ok(t, c.b.SetTimeouts(time.Hour, time.Hour))
	want(t, "timers", timers(base), 1)
	expire(base)
	settle(t, base)
	c.want(t, "reading|timeout")
	wantError(t, "read timeout", c.b.Err(), os.ErrDeadlineExceeded)
	want(t, "timers", timers(base), 0)

	ok(t, s.b.Disable(event.Read))
	write(t, c.b, "little")
	settle(t, base)
	want(t, "output left", c.b.Output().Len(), 0)
	want(t, "timers", timers(base), 1)
	expire(base)
	settle(t, base)
	c.want(t, "writing|timeout")
	wantError(t, "write timeout", c.b.Err(), os.ErrDeadlineExceeded)

	ok(t, s.b.Enable(event.Read))
	ok(t, c.b.SetTimeouts(0, 0))
	settle(t, base)
	s.wantData(t, "")
	ok(t, c.b.Enable(event.Read|event.Write))
	write(t, s.b, "back")
	settle(t, base)
	s.wantData(t, "little")
	c.wantData(t, "back")
}

// A buffer's callback may read and write while data is decrypted.
func TestBufferCallbacks(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	total := 0
	s.b.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			s.b.Disable(event.Read)
			s.b.Enable(event.Read)
			total += info.Added
		}
	})
	write(t, c.b, long(100_000))
	settle(t, base)
	want(t, "bytes seen", total, 100_000)
	s.wantData(t, long(100_000))
}

// A buffer's callback may free the bufferevent while data is decrypted.
func TestFreeInBufferCallback(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	s.b.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			s.b.Free()
		}
	})
	write(t, c.b, long(100_000))
	settle(t, base)
	s.want(t)
	s.wantData(t, "")
}

// Every callback may free either end.
func TestFreeInCallbacks(t *testing.T) {
	for _, in := range []string{connected, "read", "write", eof} {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(in, func(t *testing.T) {
				base := newBase(t)
				client, server := plain(0)
				c, s := newEnds(t, base, client, server, opts)
				count := 0
				free := func(what string) {
					if what == in {
						count++
						c.b.Free()
						s.b.Free()
					}
				}
				s.b.SetCallbacks(
					func(*bufferevent.Bufferevent) { free("read") },
					func(*bufferevent.Bufferevent) { free("write") },
					func(_ *bufferevent.Bufferevent, what bufferevent.Events) { free(what.String()) })
				write(t, c.b, "data")
				write(t, s.b, "data")
				ok(t, c.b.CloseWrite())
				settle(t, base)
				want(t, "callbacks that free", count, 1)
				want(t, "events left", base.NumEvents(event.CountAdded), 0)
			})
		}
	}
}

// What the user has set for the stream below is in force there, beside what TLS needs,
// and stays when TLS is gone.
func TestSettingsOfTheStreamBelowSurvive(t *testing.T) {
	for name, high := range map[string]int{"a small high watermark": 100, "a large one": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			client, server := plain(0)
			a, b := newPair(t, base, 0)
			for _, under := range []*bufferevent.Bufferevent{a, b} {
				ok(t, under.SetWatermark(event.Read, 50, high))
				ok(t, under.SetWatermark(event.Write, 7, 200))
				ok(t, under.SetTimeouts(time.Hour, 2*time.Hour))
			}
			c, err := evtls.NewFilter(a, evtls.Connecting, client, 0)
			ok(t, err)
			s, err := evtls.NewFilter(b, evtls.Accepting, server, 0)
			ok(t, err)
			t.Cleanup(s.Free)
			from, to := watch(c), watch(s)
			ok(t, c.Enable(event.Read))
			ok(t, s.Enable(event.Read))
			ok(t, c.SetTimeouts(3*time.Hour, time.Minute))
			settle(t, base)
			from.want(t, connected)
			to.want(t, connected)
			write(t, c, long(50_000))
			evtest.Await(t, base, "all data", func() bool { return len(to.data) == 50_000 })
			to.wantData(t, long(50_000))
			check := func(when string) {
				t.Helper()
				low, high2, err := a.Watermark(event.Read)
				ok(t, err)
				want(t, "watermarks for reading "+when, [2]int{low, high2}, [2]int{50, high})
				low, high2, err = a.Watermark(event.Write)
				ok(t, err)
				want(t, "watermarks for writing "+when, [2]int{low, high2}, [2]int{7, 200})
				read, written := a.Timeouts()
				want(t, "timeouts "+when, [2]time.Duration{read, written}, [2]time.Duration{time.Hour, 2 * time.Hour})
			}
			check("under TLS")
			c.Free()
			check("afterwards")
			settle(t, base)
			ok(t, s.Disable(event.Read))
		})
	}
}

// A timeout of the stream below is told, and enabling the direction goes on there.
func TestATimeoutOfTheStreamBelow(t *testing.T) {
	base := newBase(t)
	client, server := plain(0)
	c, s := newTalk(t, base, client, server, 0)
	ok(t, c.b.Underlying().SetTimeouts(time.Hour, 0))
	expire(base)
	settle(t, base)
	c.want(t, "reading|timeout")
	want(t, "enabled", c.b.Enabled(), event.Write)
	ok(t, c.b.Enable(event.Read))
	write(t, s.b, "hello")
	settle(t, base)
	c.wantData(t, "hello")
}

// The end of a stream is reported after what was read, over a filter and over TLS, also
// if the data waits for its turn: for reading to be enabled, or for a deferred callback.
func TestTheEndComesAfterTheData(t *testing.T) {
	over := map[string]func(t *testing.T, base *event.Base, opts bufferevent.Options) (from, to *end){
		"TLS": func(t *testing.T, base *event.Base, opts bufferevent.Options) (from, to *end) {
			client, server := plain(0)
			return newTalk(t, base, client, server, opts)
		},
		"a filter": func(t *testing.T, base *event.Base, opts bufferevent.Options) (from, to *end) {
			a, b := newPair(t, base, 0)
			f, err := bufferevent.NewFilter(b, nil, nil, opts, nil)
			ok(t, err)
			t.Cleanup(f.Free)
			ok(t, f.Enable(event.Read))
			return watch(a), watch(f)
		},
	}
	for name, connect := range over {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(fmt.Sprintf("%s, options %d", name, opts), func(t *testing.T) {
				base := newBase(t)
				from, to := connect(t, base, opts)
				to.verbose = true
				ok(t, to.b.Disable(event.Read))
				write(t, from.b, "the last words")
				ok(t, from.b.CloseWrite())
				settle(t, base)
				to.want(t)
				ok(t, to.b.Enable(event.Read))
				settle(t, base)
				to.want(t, "read", eof)
				to.wantData(t, "the last words")
			})
		}
	}
}
