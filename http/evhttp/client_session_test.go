package evhttp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A muxClientConn is the other side of a muxServerConn. It carries two exchanges at a time.
type muxClientConn struct {
	c        *ClientConn
	streams  []*muxClientStream
	last     int // number of a stream
	draining bool
}

type muxClientStream struct {
	h  *muxClientConn
	x  *clientExchange
	id string
}

const muxStreams = 2

var muxClient = clientProtocol{"mux", func(c *ClientConn) clientSession { return &muxClientConn{c: c} }}

func (h *muxClientConn) say(format string, args ...any) {
	fmt.Fprintf(h.c.bev.Output(), format+"\n", args...)
}

func (h *muxClientConn) proto() message.Proto  { return message.Proto{Major: 2} }
func (h *muxClientConn) room() bool            { return !h.draining && len(h.streams) < muxStreams }
func (h *muxClientConn) count() int            { return len(h.streams) }
func (h *muxClientConn) onDrained()            {}
func (h *muxClientConn) onTimer()              {}
func (h *muxClientConn) onLater()              {}
func (h *muxClientConn) betweenMessages() bool { return len(h.streams) == 0 }

func (h *muxClientConn) begin(x *clientExchange) {
	h.c.expect(0)
	h.last++
	s := &muxClientStream{h, x, strconv.Itoa(h.last)}
	h.streams = append(h.streams, s)
	x.carrier = s
	messageStates.step(&x.sending, sendBody)
	messageStates.step(&x.sending, sendDone)
	h.say("%s %s %s", s.id, x.name, x.target)
	if x.onStage != nil {
		h.c.run(&x.Request, func() { x.onStage(&x.Request, SentBody) })
	}
}

func (h *muxClientConn) stop() (under []*clientExchange) {
	for _, s := range h.streams {
		s.x.carrier = nil
		under = append(under, s.x)
	}
	h.streams, h.draining = nil, true
	return under
}

// drop takes leave of a stream.
func (s *muxClientStream) drop() *clientExchange {
	i := slices.Index(s.h.streams, s)
	s.h.streams = slices.Delete(s.h.streams, i, i+1)
	s.x.carrier = nil
	return s.x
}

func (h *muxClientConn) onReadable() {
	for h.c.session == h {
		line, err := h.c.bev.Input().ReadLine(evbuffer.EOLLF)
		if err != nil || line == "" {
			return
		}
		if line == "goaway" {
			h.draining = true
			h.c.next()
			h.rest()
			continue
		}
		id, what, _ := strings.Cut(line, " ")
		if i := slices.IndexFunc(h.streams, func(s *muxClientStream) bool { return s.id == id }); i >= 0 {
			h.streams[i].take(what)
		}
	}
}

// rest closes a connection that will have no other exchange.
func (h *muxClientConn) rest() {
	if h.draining && len(h.streams) == 0 && h.c.session == h {
		h.c.disconnect()
		h.c.next()
	}
}

func (s *muxClientStream) take(line string) {
	x, c := s.x, s.h.c
	what, text, _ := strings.Cut(line, " ")
	switch what {
	case "head":
		x.code, _ = strconv.Atoi(text)
	case "data":
		x.input.AddString(text)
	case "end":
		s.drop()
		x.received, c.reused = true, true
		c.over(x, nil)
		s.h.rest()
	case "reset":
		s.drop()
		c.over(x, &Error{Code: ReqEOF, Err: io.ErrUnexpectedEOF})
	}
}

func (h *muxClientConn) onEvent(bufferevent.Events) {
	under := h.stop()
	h.c.disconnect()
	for _, x := range under {
		h.c.over(x, &Error{Code: ReqEOF, Err: io.ErrUnexpectedEOF})
	}
	if len(under) == 0 {
		h.c.next()
	}
}

func (h *muxClientConn) panicked(r *Request, _ bool) bool {
	if r == nil || r.client.carrier == nil {
		return false
	}
	x := r.client
	x.carrier.(*muxClientStream).drop()
	h.c.over(x, &Error{Code: ReqCancel, Err: ErrPanic})
	return true
}

func (s *muxClientStream) cancel() {
	s.h.say("%s reset", s.id)
	x := s.drop()
	x.abandon()
	s.h.c.next()
}

func (s *muxClientStream) sendData(*evbuffer.Buffer) error           { return ErrOrder }
func (s *muxClientStream) sendEnd() error                            { return ErrOrder }
func (s *muxClientStream) whenSent(func())                           {}
func (s *muxClientStream) resume()                                   {}
func (s *muxClientStream) closeSend() error                          { return ErrOrder }
func (s *muxClientStream) detach() (*bufferevent.Bufferevent, error) { return nil, ErrOrder }

// speakMux is a ClientConfig's SetUp.
func speakMux(c *ClientConn) error {
	return c.set("protocols", func(cfg *ConnConfig) { cfg.protocols = []clientProtocol{muxClient} })
}

// A muxPeers is a client and a server of that protocol on one loop.
type muxPeers struct {
	*muxTest
	client *Client
	url    string
	all    map[string]*outcome
}

func newMuxPeers(t *testing.T, cfg ClientConfig) *muxPeers {
	m := newMuxTest(t)
	m.SetLogCallback(nil)
	m.SetGenericCallback(func(r *Request) { m.requests[r.Path()] = r })
	b, err := m.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	must(t, err)
	cfg.SetUp = speakMux
	c, err := NewClient(m.base, &cfg)
	must(t, err)
	t.Cleanup(c.Free)
	return &muxPeers{m, c, "http://" + b.AddrPort().String(), make(map[string]*outcome)}
}

// ask makes requests.
func (p *muxPeers) ask(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		p.all[path] = getBy(p.t, p.client, p.url+path)
		p.all[path].r.SetErrorCallback(func(r *Request, err error) {
			var e *Error
			errors.As(err, &e)
			p.note("%s failed: %v", path, e.Err)
		})
	}
}

// arrive waits until requests have come to the server.
func (p *muxPeers) arrive(paths ...string) {
	p.t.Helper()
	dispatch(p.t, p.base, func() bool {
		return !slices.ContainsFunc(paths, func(path string) bool { return p.requests[path] == nil })
	})
}

// finish answers a request, and waits for the answer.
func (p *muxPeers) finish(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		p.arrive(path)
		must(p.t, p.requests[path].SendReplyBytes(200, "", []byte(path[1:])))
		p.all[path].await(p.t, p.base)
		p.all[path].want(p.t, "200  "+path[1:])
	}
}

// wantClient checks how many connections the server has, how many of them are idle at the
// client, and how many requests wait there.
func (p *muxPeers) wantClient(connections, idle, waiting int) {
	p.t.Helper()
	dispatch(p.t, p.base, func() bool { return p.ConnectionCount() == connections })
	if p.client.IdleConnections() != idle || p.client.waiting != waiting {
		p.t.Errorf("%d connections are idle, want %d; %d requests wait, want %d", p.client.IdleConnections(), idle, p.client.waiting, waiting)
	}
}

// TestAClientSendsManyExchangesAConnection has requests share connections as far as those
// have room, and wait beyond.
func TestAClientSendsManyExchangesAConnection(t *testing.T) {
	p := newMuxPeers(t, ClientConfig{MaxPerHost: 2})
	p.ask("/a")
	p.arrive("/a")
	p.ask("/b")
	p.arrive("/b")
	p.wantClient(1, 0, 0)
	if a, b := p.all["/a"].r, p.all["/b"].r; a.ClientConn() != b.ClientConn() || a.Conn() == nil || a.Proto() != "HTTP/2.0" || a.Reused() {
		t.Errorf("connections %p and %p, %s", a.ClientConn(), b.ClientConn(), a.Proto())
	}
	p.ask("/c", "/d", "/e") // the second connection takes one while it connects
	p.arrive("/c", "/d")
	p.wantClient(2, 0, 1)
	p.finish("/b")
	p.arrive("/e") // in its place
	if !p.all["/e"].r.Reused() {
		t.Error("the connection has carried a request before")
	}
	p.finish("/e", "/d", "/c", "/a")
	p.wantClient(2, 2, 0)
	p.ask("/f", "/g")
	p.finish("/g", "/f")
	p.wantClient(2, 2, 0)
	p.client.CloseIdleConnections()
	p.wantClient(0, 0, 0)
	if len(p.client.pools) != 0 {
		t.Error("a pool is left")
	}
	p.wantNoted()
}

func TestEndsOfClientsWithManyExchanges(t *testing.T) {
	failed := func(cause error) []string {
		return []string{fmt.Sprintf("/a failed: %v", cause), fmt.Sprintf("/b failed: %v", cause)}
	}
	for _, test := range []struct {
		name string
		do   func(p *muxPeers)
		want []string
	}{
		{"a request is cancelled", func(p *muxPeers) {
			p.all["/a"].r.Cancel()
			p.finish("/b", "/c")
			p.wantClient(1, 1, 0)
		}, []string{"/a failed: " + ErrDone.Error()}},
		{"one that waits is cancelled", func(p *muxPeers) {
			p.all["/c"].r.Cancel()
			p.finish("/b", "/a")
			p.wantClient(1, 1, 0)
		}, []string{"/c failed: " + ErrDone.Error()}},
		{"the connection is freed", func(p *muxPeers) {
			p.all["/a"].r.Conn().Free()
			p.finish("/c") // on another one
			p.wantClient(1, 1, 0)
		}, failed(ErrDone)},
		{"the server closes it", func(p *muxPeers) {
			p.requests["/a"].Conn().Free()
			p.finish("/c")
			p.wantClient(1, 1, 0)
		}, failed(io.ErrUnexpectedEOF)},
		{"the server resets a stream", func(p *muxPeers) {
			p.requests["/a"].Cancel()
			p.finish("/c", "/b")
			p.wantClient(1, 1, 0)
		}, []string{"/a failed: " + io.ErrUnexpectedEOF.Error()}},
		{"the server has it drain", func(p *muxPeers) {
			p.requests["/a"].ServerConn().session().(*muxServerConn).say("goaway")
			p.finish("/a")
			p.wantClient(1, 0, 1)
			p.finish("/b", "/c")
			p.wantClient(1, 1, 0)
		}, nil},
		{"it is idle for too long", func(p *muxPeers) {
			p.finish("/a", "/b", "/c")
			for _, pool := range p.client.pools {
				c := pool.idle[0]
				if c.due == 0 {
					p.t.Error("no time is set")
				}
				c.due = 1 // long ago
				c.timeIsUp()
			}
			p.wantClient(0, 0, 0)
		}, nil},
		{"the client is freed", func(p *muxPeers) {
			p.client.Free()
			p.wantClient(0, 0, 0)
		}, append(failed(errClosed), "/c failed: "+errClosed.Error())},
		{"the base is freed", func(p *muxPeers) { p.base.Free() },
			append(failed(event.ErrFreed), "/c failed: "+event.ErrFreed.Error())},
		{"a callback panics", func(p *muxPeers) {
			conn := p.all["/a"].r.ClientConn()
			must(p.t, conn.SetPanicCallback(func(_ *Request, value any) { p.note("%v", value) }))
			p.all["/c"].r.SetSendCallback(func(*Request, SendStage) { panic("boom") })
			p.finish("/b")
			p.all["/c"].await(p.t, p.base)
			p.finish("/a")
			p.wantClient(1, 1, 0)
		}, []string{"boom", "/c failed: " + ErrPanic.Error()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newMuxPeers(t, ClientConfig{MaxPerHost: 1})
			p.ask("/a", "/b", "/c")
			p.arrive("/a", "/b")
			p.wantClient(1, 0, 1)
			test.do(p)
			p.wantNoted(test.want...)
		})
	}
}

// TestAConnectionQueuesWhatItCannotCarry makes requests on a connection of the user's.
func TestAConnectionQueuesWhatItCannotCarry(t *testing.T) {
	m := newMuxTest(t)
	m.SetLogCallback(nil)
	ours, theirs, err := bufferevent.NewPair(m.base, bufferevent.CloseOnFree)
	must(t, err)
	ours, err = OverSecured(ours, tls.ConnectionState{NegotiatedProtocol: "mux"})
	must(t, err)
	must(t, m.Serve(theirs))
	c, err := NewClientConnReuse(ours, "host", &ConnConfig{
		MaxQueue: 4, IdleTimeout: time.Hour, protocols: append(slices.Clone(clientProtocols), muxClient),
	})
	must(t, err)
	defer c.Free()
	if c.session == nil || c.session.proto().Major != 2 {
		t.Fatal("not what TLS has agreed on")
	}
	var all []*outcome
	for _, path := range []string{"/a", "/b", "/c", "/d"} {
		o := expectOutcome()
		must(t, c.MakeRequest(o.r, MethodGet, path))
		all = append(all, o)
	}
	wantErr(t, c.MakeRequest(NewRequest(nil), MethodGet, "/e"), ErrQueueFull)
	m.settle()
	if len(m.requests) != muxStreams {
		t.Errorf("%d requests have come", len(m.requests))
	}
	for _, path := range []string{"/b", "/a", "/d", "/c"} {
		m.answer(path)
	}
	for i, o := range all {
		o.want(t, fmt.Sprintf("200  %c", 'a'+i))
	}
	if c.due == 0 {
		t.Error("an idle connection has no time")
	}
	must(t, c.FreeOnCompletion())
	o := expectOutcome()
	must(t, c.MakeRequest(o.r, MethodGet, "/f"))
	m.settle()
	m.answer("/f")
	if !o.over || !c.freed {
		t.Errorf("over is %v, freed %v", o.over, c.freed)
	}
}
