package bufferevent_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
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

// patience is how long something may take before the test counts as failed. It
// is never waited for by a test that passes.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test unless got is the value that is wanted; what says of what.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// wantError fails the test unless err wraps target; nil wants none.
func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got error %v, want %v", what, err, target)
	}
}

// newBase makes a base that is freed at the end of the test, which must not leave
// anything behind. It comes first in a test.
var newBase = evtest.Base

// settle runs the loop until it has nothing to do any more, without waiting.
func settle(t testing.TB, base *event.Base) {
	t.Helper()
	for range 10 {
		evtest.Turn(t, base)
	}
}

// waiting returns the number of events that are pending.
func waiting(base *event.Base) int { return base.NumEvents(event.CountAdded) }

// timers returns the number of timeouts that are running.
func timers(base *event.Base) (n int) {
	for ev := range base.Events() {
		if ev.Pending(event.Timeout) != 0 {
			n++
		}
	}
	return n
}

// owned closes a descriptor at the end of the test.
func owned(t testing.TB, fd int) int {
	t.Helper()
	t.Cleanup(func() {
		if err := evutil.CloseSocket(fd); err != nil {
			t.Error(err)
		}
	})
	return fd
}

// A peer is the other end of a connection, which the test works by hand.
type peer struct {
	t      testing.TB
	fd     int
	closed bool
}

// newPeer returns a peer that is closed at the end of the test at the latest.
func newPeer(t testing.TB, fd int) *peer {
	p := &peer{t: t, fd: fd}
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	p.t.Helper()
	if !p.closed {
		p.closed = true
		ok(p.t, evutil.CloseSocket(p.fd))
	}
}

func (p *peer) shutdown() { p.t.Helper(); ok(p.t, sysio.ShutdownWrite(p.fd)) }

// send writes all of data, which must fit into the kernel.
func (p *peer) send(data string) {
	p.t.Helper()
	n, err := sysio.Send(p.fd, [][]byte{[]byte(data)})
	ok(p.t, err)
	want(p.t, "bytes sent by the peer", n, len(data))
}

// fill writes until the kernel takes no more, and returns how much it took.
func (p *peer) fill() (total int) {
	p.t.Helper()
	block := make([]byte, 1<<16)
	for {
		n, err := sysio.Send(p.fd, [][]byte{block})
		if err == sysio.ErrAgain {
			return total
		}
		ok(p.t, err)
		total += n
	}
}

// receive reads what there is, and reports whether that was the end.
func (p *peer) receive() (data string, ended bool) {
	p.t.Helper()
	var all strings.Builder
	block := make([]byte, 1<<16)
	for {
		n, err := sysio.Recv(p.fd, [][]byte{block})
		if err == sysio.ErrAgain {
			return all.String(), false
		}
		ok(p.t, err)
		if n == 0 {
			return all.String(), true
		}
		all.Write(block[:n])
	}
}

// expect runs the loop until the peer has got data.
func (p *peer) expect(base *event.Base, data string) {
	p.t.Helper()
	var got strings.Builder
	p.poll(base, "data at the peer", func() bool {
		part, _ := p.receive()
		got.WriteString(part)
		return got.Len() >= len(data)
	})
	want(p.t, "what the peer got", got.String(), data)
}

// expectEnd runs the loop until the peer has got data and then the end.
func (p *peer) expectEnd(base *event.Base, data string) {
	p.t.Helper()
	var got strings.Builder
	p.poll(base, "end at the peer", func() bool {
		part, ended := p.receive()
		got.WriteString(part)
		return ended
	})
	want(p.t, "what the peer got before the end", got.String(), data)
}

// expectGone runs the loop until the peer has got the end or a reset.
func (p *peer) expectGone(base *event.Base) {
	p.t.Helper()
	block := make([]byte, 1<<16)
	p.poll(base, "end at the peer", func() bool {
		n, err := sysio.Recv(p.fd, [][]byte{block})
		return n == 0 && err != sysio.ErrAgain
	})
}

// poll runs the loop, and looks again and again whether what it has done has
// reached the peer.
func (p *peer) poll(base *event.Base, what string, done func() bool) {
	p.t.Helper()
	for start := time.Now(); !done(); {
		evtest.Turn(p.t, base)
		if time.Since(start) > patience {
			p.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// newSocket returns a bufferevent over one end of a connection, which is freed
// with it at the end of the test at the latest, and the other end.
func newSocket(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, *peer) {
	t.Helper()
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	return overPair(t, base, pair, opts)
}

// newTCP is newSocket with a TCP connection.
func newTCP(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, *peer) {
	t.Helper()
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	return overPair(t, base, pair, opts)
}

func overPair(t testing.TB, base *event.Base, pair [2]int, opts bufferevent.Options) (*bufferevent.Bufferevent, *peer) {
	t.Helper()
	ok(t, evutil.SetNonblock(pair[0]))
	ok(t, evutil.SetNonblock(pair[1]))
	return overFD(t, base, pair[0], opts), newPeer(t, pair[1])
}

// overFD returns a bufferevent over a descriptor, which may be -1, that is freed
// with it at the end of the test at the latest.
func overFD(t testing.TB, base *event.Base, fd int, opts bufferevent.Options) *bufferevent.Bufferevent {
	t.Helper()
	b, err := bufferevent.NewSocket(base, fd, opts|bufferevent.CloseOnFree)
	ok(t, err)
	t.Cleanup(b.Free)
	return b
}

// A diary notes what callbacks are told, in order.
type diary []string

func (d *diary) note(s string) { *d = append(*d, s) }

// keep makes b note its callbacks: "read", "write", or the events.
func (d *diary) keep(b *bufferevent.Bufferevent) {
	b.SetCallbacks(
		func(*bufferevent.Bufferevent) { d.note("read") },
		func(*bufferevent.Bufferevent) { d.note("write") },
		func(_ *bufferevent.Bufferevent, what bufferevent.Events) { d.note(what.String()) })
}

// has reports whether there is an entry.
func (d *diary) has(entry string) bool { return slices.Contains(*d, entry) }

// await runs the loop until there is an entry.
func (d *diary) await(t testing.TB, base *event.Base, entry string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("callbacks so far: %q", []string(*d))
		}
	}()
	evtest.Await(t, base, entry, func() bool { return d.has(entry) })
}

// want fails the test unless these are all entries, and clears them.
func (d *diary) want(t testing.TB, entries ...string) {
	t.Helper()
	if !slices.Equal(*d, diary(entries)) {
		t.Fatalf("callbacks: %q, want %q", []string(*d), entries)
	}
	*d = nil
}

// contents returns what is in the input, without taking it.
func contents(t testing.TB, b *bufferevent.Bufferevent) string {
	t.Helper()
	p := make([]byte, b.Input().Len())
	_, err := b.Input().CopyOut(p)
	ok(t, err)
	return string(p)
}

// take returns what is in the input, and takes it.
func take(t testing.TB, b *bufferevent.Bufferevent) string {
	t.Helper()
	s := contents(t, b)
	ok(t, b.Input().Drain(len(s)))
	return s
}

// write writes and insists on success.
func write(t testing.TB, b *bufferevent.Bufferevent, data string) {
	t.Helper()
	_, err := b.WriteString(data)
	ok(t, err)
}

// tally counts the system calls on descriptors.
type tally map[sysio.Call]int

// count counts calls until the end of the test, and lets all of them pass.
func count(t testing.TB) tally {
	calls := tally{}
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		calls[sysio.Call{Op: c.Op, FD: c.FD}]++
		return c.Len, nil
	}))
	return calls
}

// of returns the number of calls of one kind on one descriptor.
func (c tally) of(op sysio.Op, fd int) int { return c[sysio.Call{Op: op, FD: fd}] }

// sends and receives return the numbers of calls that move data.
func (c tally) sends(fd int) int    { return c.of(sysio.OpSend, fd) + c.of(sysio.OpWrite, fd) }
func (c tally) receives(fd int) int { return c.of(sysio.OpRecv, fd) + c.of(sysio.OpRead, fd) }

// errReset is what the system says when the peer has broken the connection off.
var (
	errReset     error = syscall.ECONNRESET
	errNoBuffers error = syscall.ENOMEM
)

// refuse returns a hook that makes the first n calls of one kind on a descriptor
// fail.
func refuse(op sysio.Op, fd, n int, err error) sysio.Hook {
	return func(c sysio.Call) (int, error) {
		if c.Op == op && c.FD == fd && n > 0 {
			n--
			return 0, err
		}
		return c.Len, nil
	}
}

// buffer returns a buffer with a text in it.
func buffer(t testing.TB, text string) *evbuffer.Buffer {
	t.Helper()
	b := evbuffer.New()
	ok(t, b.AddString(text))
	return b
}

// limit returns a configuration with the same limit for both directions.
func limit(t testing.TB, rate, burst int, tick time.Duration) *bufferevent.TokenBucketConfig {
	t.Helper()
	cfg, err := bufferevent.NewTokenBucketConfig(rate, burst, rate, burst, tick)
	ok(t, err)
	return cfg
}

// newGroup makes a group that is freed at the end of the test.
func newGroup(t testing.TB, base *event.Base, cfg *bufferevent.TokenBucketConfig) *bufferevent.RateLimitGroup {
	t.Helper()
	g, err := bufferevent.NewRateLimitGroup(base, cfg)
	ok(t, err)
	t.Cleanup(func() { ok(t, g.Free()) })
	return g
}

// loopback returns an address of the loopback interface.
func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// nowhere says that a descriptor is being connected already.
var nowhere netip.AddrPort
