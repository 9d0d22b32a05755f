package evdns_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// truncates is a script that answers over TCP only.
func truncates(q *question) {
	if q.stream != nil {
		q.good()
		return
	}
	m := q.reply(0)
	m.Truncated = true
	q.send(m)
}

func TestTruncatedAnswerIsAskedForOverTCP(t *testing.T) {
	loop := newLoop(t)
	u, other := newUpstream(t), newUpstream(t)
	b := newResolver(t, loop, u, other)
	set(t, b, "timeout", "20")
	u.does(truncates)
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	if n := len(u.questions()); n != 2 || u.connections() != 1 || len(other.questions()) != 0 {
		t.Errorf("%d questions, %d connections, %d questions elsewhere", n, u.connections(), len(other.questions()))
	}
}

func TestTruncatedAnswerIsAnError(t *testing.T) {
	everywhere := func(q *question) {
		m := q.reply(0)
		if q.stream == nil { // where there is room for anything
			m.Answer = []dns.RR{record(t, "www.example.com. 9 IN A 192.0.2.1")}
		}
		m.Truncated = true
		q.send(m)
	}
	for _, c := range []struct {
		name   string
		flags  evdns.QueryFlags
		option string
		asked  int
	}{
		{"over TCP too", 0, "", 2},
		{"with UseVC", evdns.UseVC, "", 1},
		{"with IgnoreTC", evdns.IgnoreTC, "", 1},
		{"with ignore-tc", 0, "ignore-tc", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "timeout", "20")
			if c.option != "" {
				set(t, b, c.option, "")
			}
			u.does(everywhere)
			a := new(answer)
			_, err := b.ResolveIPv4("www.example.com", c.flags, a.callback)
			ok(t, err)
			dispatch(t, loop)
			a.fails(t, evdns.ErrTruncated)
			if n := len(u.questions()); n != c.asked {
				t.Errorf("%d questions, want %d", n, c.asked)
			}
		})
	}
}

func TestDatagramThatIsTooLong(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20")
	u.does(func(q *question) {
		if q.stream != nil {
			q.good()
			return
		}
		m := q.reply(0)
		for i := range 500 {
			m.Answer = append(m.Answer, record(t, fmt.Sprintf("www.example.com. 9 IN A 192.0.2.%d", i%250)))
		}
		q.send(m)
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	if u.connections() != 1 {
		t.Errorf("%d connections", u.connections())
	}
}

func TestUseVC(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		if q.stream == nil {
			t.Error("asked over UDP")
		}
		q.good()
	})
	for range 3 {
		lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	}
	if u.connections() != 1 {
		t.Errorf("%d connections", u.connections())
	}
}

// Questions go out without waiting for answers, which come in any order.
func TestPipelining(t *testing.T) {
	const n = 50
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	var held []*question
	u.does(func(q *question) {
		held = append(held, q)
		if len(held) == n {
			slices.Reverse(held)
			for _, q := range held {
				q.at("192.0.2." + q.name()[1:strings.Index(q.name(), ".")])
			}
		}
	})
	var answers []*answer
	for i := range n {
		answers = append(answers, start(t, b, fmt.Sprintf("n%d.example", i)))
	}
	dispatch(t, loop)
	for i, a := range answers {
		a.want(t, fmt.Sprintf("192.0.2.%d", i))
	}
	if u.connections() != 1 {
		t.Errorf("%d connections", u.connections())
	}
}

func TestAnswerInPieces(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		wire, err := q.reply(0, record(t, "www.example.com. 9 IN A 192.0.2.5")).Pack()
		if err != nil {
			t.Error(err)
		}
		framed := binary.BigEndian.AppendUint16(nil, uint16(len(wire)))
		for _, c := range append(framed, wire...) {
			q.stream.Write([]byte{c})
		}
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.5")
}

func TestLongestAnswer(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		m := q.reply(0)
		for i := range 4000 {
			m.Answer = append(m.Answer, record(t, fmt.Sprintf("www.example.com. 9 IN A 10.0.%d.%d", i/250, i%250)))
		}
		wire, err := m.Pack()
		if err != nil {
			t.Error(err)
		}
		// The rest is one record of nothing but zeroes.
		pad := 65535 - len(wire) - 12
		wire = append(wire, 0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 9, byte(pad>>8), byte(pad))
		wire = append(wire, make([]byte, pad)...)
		binary.BigEndian.PutUint16(wire[6:], 4001)
		if len(wire) != 65535 {
			t.Errorf("%d bytes", len(wire))
		}
		q.sendWire(wire)
	})
	a := lookup(t, loop, b, "www.example.com")
	if a.err != nil || len(a.Addrs) != 4000 || a.Addrs[3999] != netip.MustParseAddr("10.0.15.249") {
		t.Errorf("%d addresses, %v", len(a.Addrs), a.err)
	}
}

func TestConnectionClosedInTheMiddleOfAnAnswer(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		if q.number < 3 {
			q.stream.Write([]byte{0, 100, 1, 2, 3}[:q.number+2])
			q.stream.Close()
			return
		}
		q.good()
	})
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	if u.connections() != 3 {
		t.Errorf("%d connections", u.connections())
	}
}

func TestConnectionsAlwaysClosed(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	log := watch(t)
	u.does(func(q *question) { q.stream.Close() })
	a := lookup(t, loop, b, "www.example.com")
	a.fails(t, evdns.ErrUnreachable)
	a.fails(t, io.ErrUnexpectedEOF)
	if log.count("nameserver has failed") != 1 { // it is as good as silent
		t.Errorf("log: %q", log.lines(""))
	}
	if n := u.connections(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

// Some nameservers answer one question a connection.
func TestConnectionClosedAfterEachAnswer(t *testing.T) {
	const n = 20
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		if q.onConn == 1 {
			q.good()
		}
		q.stream.Close()
	})
	var answers []*answer
	for i := range n {
		answers = append(answers, start(t, b, fmt.Sprintf("n%d.example", i)))
	}
	dispatch(t, loop)
	for _, a := range answers {
		a.want(t, "192.0.2.1")
	}
}

func TestNonsenseOnAConnection(t *testing.T) {
	for name, nonsense := range map[string][]byte{
		"an empty message":          {0, 0},
		"less than a header":        {0, 5, 1, 2, 3, 4, 5},
		"an answer to nothing":      append([]byte{0, 12}, make([]byte, 12)...),
		"an answer that is a query": append([]byte{0, 12, 0, 0, 1, 0}, make([]byte, 8)...),
	} {
		t.Run(name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "use-vc", "", "timeout", "20")
			u.does(func(q *question) {
				if q.number == 1 {
					q.stream.Write(nonsense)
				}
				q.good()
			})
			lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
		})
	}
}

func TestSilentConnection(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	u.does(func(q *question) {
		switch {
		case u.connections() > 1:
			q.good()
		case q.number == 2: // both have arrived
			expires(loop, b)(q)
		}
	})
	one, other := start(t, b, "a.example"), start(t, b, "b.example")
	dispatch(t, loop)
	one.want(t, "192.0.2.1")
	other.want(t, "192.0.2.1")
}

func TestIdleConnectionIsClosed(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache, u)
	set(t, b, "use-vc", "", "timeout", "20", "tcp-idle-timeout", "0.01")
	log := watch(t)
	for n := range 3 {
		done, closed := new(answer), false
		endLoop := func() { // in whatever order
			if done.calls > 0 && closed {
				loop.LoopExit(0)
			}
		}
		log.on("idle connection closed", 1, func() { closed = true; endLoop() })
		_, err := b.ResolveIPv4("www.example.com", 0, func(a evdns.Answer, err error) {
			done.callback(a, err)
			endLoop()
		})
		ok(t, err)
		dispatch(t, loop)
		done.want(t, "192.0.2.1")
		if u.connections() != n+1 {
			t.Errorf("%d connections", u.connections())
		}
	}
}

// A nameserver that goes on talking does not keep its connection.
func TestConnectionThatNeverEnds(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.NoCache, u)
	set(t, b, "use-vc", "", "timeout", "20", "tcp-idle-timeout", "0.2")
	log := watch(t)
	u.does(func(q *question) {
		q.good()
		for {
			if _, err := q.stream.Write(append([]byte{0, 12}, make([]byte, 12)...)); err != nil {
				return
			}
		}
	})
	a, closed := new(answer), false
	endLoop := func() {
		if a.calls > 0 && closed {
			loop.LoopExit(0)
		}
	}
	log.on("idle connection closed", 1, func() { closed = true; endLoop() })
	_, err := b.ResolveIPv4("www.example.com", 0, func(ans evdns.Answer, err error) {
		a.callback(ans, err)
		endLoop()
	})
	ok(t, err)
	dispatch(t, loop)
	a.want(t, "192.0.2.1")
}

// A nameserver may close a connection that is not in use.
func TestConnectionClosedWhileIdle(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "use-vc", "", "timeout", "20")
	lookup(t, loop, b, "a.example").want(t, "192.0.2.1")
	u.hangUp()
	lookup(t, loop, b, "b.example").want(t, "192.0.2.1")
	if u.connections() != 2 {
		t.Errorf("%d connections", u.connections())
	}
}

// A DialFunc that makes TCP connections stands for one that makes TLS.
func TestStreamsOfTheUsers(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop)
	var dialled atomic.Int32
	ok(t, b.AddTLSNameserver(u.addr, func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
		dialled.Add(1)
		if addr != u.addr {
			t.Errorf("dial %v", addr)
		}
		bev, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
		if err == nil {
			err = bev.Connect(addr)
		}
		return bev, err
	}))
	set(t, b, "timeout", "20")
	u.does(func(q *question) {
		if q.stream == nil {
			t.Error("asked over UDP")
		}
		q.good()
	})
	one, other := start(t, b, "a.example"), start(t, b, "b.example")
	dispatch(t, loop)
	one.want(t, "192.0.2.1")
	other.want(t, "192.0.2.1")
	if dialled.Load() != 1 || b.NameserverFD(0) != -1 {
		t.Errorf("dialled %d times, fd %d", dialled.Load(), b.NameserverFD(0))
	}
}

func TestDialFails(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	cause := errors.New("no way")
	for name, dial := range map[string]evdns.DialFunc{
		"an error": func(*event.Base, netip.AddrPort) (*bufferevent.Bufferevent, error) { return nil, cause },
		"nothing":  func(*event.Base, netip.AddrPort) (*bufferevent.Bufferevent, error) { return nil, nil },
	} {
		b := newResolver(t, loop)
		set(t, b, "timeout", "1000")
		ok(t, b.AddTLSNameserver(netip.MustParseAddrPort("127.0.0.1:0"), dial))
		a := lookup(t, loop, b, "www.example.com")
		a.fails(t, evdns.ErrUnreachable)
		if name == "an error" && !errors.Is(a.err, cause) {
			t.Errorf("%v", a.err)
		}
		if addr, err := b.NameserverAddr(0); err != nil || addr.Port() != 853 {
			t.Errorf("%v, %v", addr, err)
		}
		// Another nameserver is asked instead.
		ok(t, b.AddNameserver(u.addr))
		set(t, b, "timeout", "20")
		lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	}
}
