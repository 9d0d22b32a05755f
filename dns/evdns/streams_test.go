package evdns_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A streamServer is a TCP nameserver that does something else than to answer.
type streamServer struct {
	addr netip.AddrPort
	mu   sync.Mutex
	n    int // connections
	asks int // queries
}

// newStreamServer starts one that gives each connection to serve, and closes it then.
func newStreamServer(t *testing.T, serve func(l *streamServer, c net.Conn)) *streamServer {
	t.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	ok(t, err)
	l := &streamServer{addr: tcp.Addr().(*net.TCPAddr).AddrPort()}
	var work sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	work.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[c] = true
			mu.Unlock()
			l.mu.Lock()
			l.n++
			l.mu.Unlock()
			work.Go(func() {
				serve(l, c)
				mu.Lock()
				defer mu.Unlock()
				delete(conns, c)
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		tcp.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return l
}

// ask reads a query, and returns an answer to it, or nonsense if the other side has
// given the connection up.
func (l *streamServer) ask(c net.Conn) []byte {
	nonsense := make([]byte, 64)
	wire, err := readMessage(c)
	m := new(dns.Msg)
	if err != nil || m.Unpack(wire) != nil {
		return nonsense
	}
	l.mu.Lock()
	l.asks++
	l.mu.Unlock()
	r := new(dns.Msg)
	r.SetReply(m)
	r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 1)}}
	if wire, err = r.Pack(); err != nil {
		return nonsense
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
}

// hold waits until the other side closes the connection.
func hold(c net.Conn) { io.Copy(io.Discard, c) } // whatever ends it

// overStreams are the ways to ask a nameserver over a stream.
var overStreams = map[string]func(t *testing.T, b *evdns.Base, addr netip.AddrPort){
	"TCP": func(t *testing.T, b *evdns.Base, addr netip.AddrPort) {
		set(t, b, "use-vc", "")
		ok(t, b.AddNameserver(addr))
	},
	"a stream of the user's": func(t *testing.T, b *evdns.Base, addr netip.AddrPort) {
		ok(t, b.AddTLSNameserver(addr, dialTCP))
	},
}

func dialTCP(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
	bev, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	if err := bev.Connect(addr); err != nil {
		bev.Free()
		return nil, err
	}
	return bev, nil
}

// Whatever becomes of the connection, a lookup over a stream ends after its
// attempts, and for the right reason.
func TestALookupOverAStreamKeepsItsAttempts(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(l *streamServer, c net.Conn)
		err   error
	}{
		{"accepts and closes", func(*streamServer, net.Conn) {}, evdns.ErrUnreachable},
		{"accepts and resets", func(_ *streamServer, c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, evdns.ErrUnreachable},
		{"closes after the query", func(l *streamServer, c net.Conn) { l.ask(c) }, evdns.ErrUnreachable},
		{"resets after the query", func(l *streamServer, c net.Conn) { l.ask(c); c.(*net.TCPConn).SetLinger(0) }, evdns.ErrUnreachable},
		{"closes after half a length", func(l *streamServer, c net.Conn) { c.Write(l.ask(c)[:1]) }, evdns.ErrUnreachable},
		{"closes after half an answer", func(l *streamServer, c net.Conn) { c.Write(l.ask(c)[:20]) }, evdns.ErrUnreachable},
		{"sends an empty message", func(l *streamServer, c net.Conn) { l.ask(c); c.Write([]byte{0, 0}); hold(c) }, evdns.ErrUnreachable},
		{"is silent", func(l *streamServer, c net.Conn) { l.ask(c); hold(c) }, evdns.ErrTimeout},
		{"is silent after half an answer", func(l *streamServer, c net.Conn) { c.Write(l.ask(c)[:20]); hold(c) }, evdns.ErrTimeout},
		{"answers something else", func(l *streamServer, c net.Conn) {
			answer := l.ask(c)
			answer[2]++ // the id
			c.Write(answer)
			hold(c)
		}, evdns.ErrTimeout},
	} {
		for way, add := range overStreams {
			for _, attempts := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s, over %s, %d attempts", test.name, way, attempts), func(t *testing.T) {
					loop := newLoop(t)
					b := newResolver(t, loop)
					l := newStreamServer(t, test.serve)
					add(t, b, l.addr)
					set(t, b, "timeout", "1000", "attempts", fmt.Sprint(attempts))
					if test.err == evdns.ErrTimeout {
						set(t, b, "timeout", "0.05")
					}
					lookup(t, loop, b, "www.example").fails(t, test.err)
					l.mu.Lock()
					defer l.mu.Unlock()
					if l.n > attempts || l.asks > attempts {
						t.Errorf("%d queries on %d connections", l.asks, l.n)
					}
				})
			}
		}
	}
}

// hearsRefusals says whether the system tells that nobody listens where a datagram has
// gone. Wine does not.
const hearsRefusals = runtime.GOOS != "windows"

// Nobody listens: the lookup fails at once, and says so.
func TestNobodyListens(t *testing.T) {
	for name, add := range map[string]func(t *testing.T, b *evdns.Base, addr netip.AddrPort){
		"UDP":                    func(t *testing.T, b *evdns.Base, addr netip.AddrPort) { ok(t, b.AddNameserver(addr)) },
		"TCP":                    overStreams["TCP"],
		"a stream of the user's": overStreams["a stream of the user's"],
	} {
		for _, servers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d nameservers", name, servers), func(t *testing.T) {
				if name == "UDP" && !hearsRefusals {
					t.Skip("the system does not tell")
				}
				loop := newLoop(t)
				b := newResolver(t, loop)
				set(t, b, "timeout", "1000")
				var closed []*upstream
				for range servers {
					closed = append(closed, newUpstream(t))
				}
				for _, u := range closed {
					u.stop()
					add(t, b, u.addr)
				}
				for range 2 {
					a := lookup(t, loop, b, "www.example.com")
					a.fails(t, evdns.ErrUnreachable)
					a.fails(t, datagram.ErrRefused)
				}
			})
		}
	}
}

// A stream that fails before it is connected says why, once for each nameserver.
func TestAStreamThatCannotBeMade(t *testing.T) {
	loop := newLoop(t)
	b := newResolver(t, loop)
	set(t, b, "timeout", "1000")
	cause := errors.New("certificate of somebody else")
	accepts := newStreamServer(t, func(_ *streamServer, c net.Conn) { hold(c) })
	dialled := 0
	ok(t, b.AddTLSNameserver(accepts.addr, func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
		dialled++
		return nil, cause
	}))
	a := lookup(t, loop, b, "www.example.com")
	a.fails(t, evdns.ErrUnreachable)
	a.fails(t, cause)
	if timeout, ok := a.err.(interface{ Timeout() bool }); !ok || timeout.Timeout() || !strings.Contains(a.err.Error(), accepts.addr.String()) {
		t.Errorf("%v", a.err)
	}
	if dialled != 3 {
		t.Errorf("dialled %d times", dialled)
	}
}

// A nameserver that closes its connections after other answers does not have a
// query sent again and again for which it has none.
func TestAQueryThatIsNeverAnsweredBesideOthers(t *testing.T) {
	const others = 300
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "1000", "attempts", "3")
	u.does(func(q *question) {
		if q.name() != "never.example" {
			q.good()
			q.stream.Close()
		}
	})
	never := new(answer)
	request, err := b.ResolveIPv4("never.example", 0, never.callback)
	ok(t, err)
	n := 0
	var next func(evdns.Answer, error)
	next = func(evdns.Answer, error) {
		if n++; n > others {
			request.Cancel()
			return
		}
		_, err := b.ResolveIPv4(fmt.Sprintf("n%d.example", n), 0, next)
		ok(t, err)
	}
	next(evdns.Answer{}, nil)
	dispatch(t, loop)
	sent := 0
	for _, name := range u.questions() {
		if name == "never.example" {
			sent++
		}
	}
	if never.calls != 1 || never.err == nil || sent > 4 { // the attempts, and once because of others
		t.Errorf("was sent %d times; %d calls, the last with %v", sent, never.calls, never.err)
	}
}

// What a nameserver answers on a connection before it closes it is all that it
// is asked on the next ones, so that nothing is lost.
func TestTheBurstOfANameserverIsKept(t *testing.T) {
	const burst, rounds = 3, 4
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "1000")
	u.does(func(q *question) {
		if q.onConn <= burst {
			q.good()
		}
		if q.onConn == burst {
			q.stream.Close()
		}
	})
	n := 0
	for round := range rounds {
		var answers []*answer
		for range 4 * burst {
			answers = append(answers, start(t, b, fmt.Sprintf("n%d.example", n)))
			n++
		}
		dispatch(t, loop)
		for _, a := range answers {
			a.want(t, "192.0.2.1")
		}
		if got := len(u.questions()); round > 0 && got > n+4*burst {
			t.Errorf("%d questions for %d lookups", got, n)
		}
	}
}
