package evdnsserver_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

var serverAddr = netip.MustParseAddrPort("127.0.0.1:0")

// A testServer is a server for UDP or TCP, and where it is.
type testServer struct {
	*evdnsserver.Server
	t    testing.TB
	loop *event.Base
	net  string // "udp" or "tcp"
	addr netip.AddrPort
	// requests are those that hold has got and nobody has taken, all every one.
	requests, all []*evdnsserver.Request
	// onRequest is called by hold, if it is not nil.
	onRequest func(*evdnsserver.Request)
}

// eachServer runs a test with a server for UDP and one for TCP.
func eachServer(t *testing.T, test func(t *testing.T, s *testServer)) {
	t.Run("udp", func(t *testing.T) { test(t, newUDPServer(t)) })
	t.Run("tcp", func(t *testing.T) { test(t, newTCPServer(t)) })
}

// newUDPServer starts a server that keeps its requests until answer is called.
func newUDPServer(t testing.TB) *testServer { return newUDPServerAt(t, serverAddr) }

func newUDPServerAt(t testing.TB, at netip.AddrPort) *testServer {
	t.Helper()
	s := &testServer{t: t, loop: newLoop(t), net: "udp"}
	fd, err := datagram.Listen(at, 0)
	ok(t, err)
	s.addr, err = datagram.LocalAddr(fd)
	ok(t, err)
	s.Server, err = evdnsserver.NewUDP(s.loop, fd, s.hold)
	ok(t, err)
	t.Cleanup(s.end)
	return s
}

func newTCPServer(t testing.TB) *testServer {
	t.Helper()
	return newTCPServerOn(t, newLoop(t))
}

func newTCPServerOn(t testing.TB, loop *event.Base) *testServer {
	t.Helper()
	s := &testServer{t: t, loop: loop, net: "tcp"}
	l, err := listener.NewBind(s.loop, serverAddr, listener.CloseOnFree, listener.DefaultBacklog, nil)
	ok(t, err)
	s.addr = l.AddrPort()
	s.Server, err = evdnsserver.NewTCP(s.loop, l, s.hold)
	ok(t, err)
	t.Cleanup(s.end)
	return s
}

// end closes the port and drops what is left, so that the socket is closed.
func (s *testServer) end() {
	s.Close()
	for _, r := range s.all {
		r.Drop()
	}
}

// hold is a callback that keeps the requests, and ends the loop.
func (s *testServer) hold(r *evdnsserver.Request) {
	s.requests = append(s.requests, r)
	s.all = append(s.all, r)
	if s.onRequest != nil {
		s.onRequest(r)
	}
	s.loop.LoopBreak()
}

// receive runs the loop until there are n requests that were not taken yet, and
// takes them.
func (s *testServer) receive(n int) []*evdnsserver.Request {
	s.t.Helper()
	for len(s.requests) < n {
		dispatch(s.t, s.loop)
	}
	got := s.requests
	s.requests = nil
	dnstest.Equal(s.t, "requests", len(got), n)
	return got
}

// run runs the loop until fn, which runs meanwhile, has returned.
func (s *testServer) run(fn func()) {
	s.t.Helper()
	done := make(chan struct{})
	go func() {
		fn()
		close(done)
		s.loop.Post(func() { s.loop.LoopBreak() })
	}()
	for {
		dispatch(s.t, s.loop)
		select {
		case <-done:
			return
		default:
		}
	}
}

// A testClient talks to a server over one socket: a datagram socket on the same
// loop, or a connection of package net.
type testClient struct {
	net.Conn
	s        *testServer
	fd       int
	batch    *datagram.Batch
	readable *event.Event
}

func (s *testServer) dial() *testClient {
	s.t.Helper()
	if s.net == "udp" {
		return s.dialUDP()
	}
	conn, err := net.Dial(s.net, s.addr.String())
	ok(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	ok(s.t, conn.SetDeadline(time.Now().Add(patience)))
	return &testClient{Conn: conn, s: s}
}

// dialUDP does without package net, whose UDP sockets Wine does not have.
func (s *testServer) dialUDP() *testClient {
	s.t.Helper()
	fd, err := datagram.Dial(netip.AddrPort{}, s.addr, 0)
	ok(s.t, err)
	s.t.Cleanup(func() { evutil.CloseSocket(fd) })
	readable, err := s.loop.NewEvent(fd, event.Read, func(*event.Event, event.What) { s.loop.LoopBreak() })
	ok(s.t, err)
	return &testClient{s: s, fd: fd, batch: datagram.NewBatch(1, 1<<16), readable: readable}
}

// send sends messages.
func (c *testClient) send(messages ...[]byte) {
	c.s.t.Helper()
	for _, m := range messages {
		var err error
		if c.s.net == "udp" {
			_, err = c.batch.Send(c.fd, []datagram.Message{{Data: m}})
		} else {
			_, err = c.Write(c.frame(m))
		}
		ok(c.s.t, err)
	}
}

// frame returns a message as it goes over TCP.
func (c *testClient) frame(m []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
}

// recv receives a message, while the loop runs.
func (c *testClient) recv() []byte {
	c.s.t.Helper()
	if c.s.net == "udp" {
		return c.recvDatagram()
	}
	var got []byte
	var err error
	c.s.run(func() { got, err = c.read() })
	ok(c.s.t, err)
	return got
}

func (c *testClient) recvDatagram() []byte {
	c.s.t.Helper()
	for {
		messages, err := c.batch.Recv(c.fd)
		ok(c.s.t, err)
		if len(messages) > 0 {
			return slices.Clone(messages[0].Data)
		}
		ok(c.s.t, c.readable.Add())
		dispatch(c.s.t, c.s.loop)
	}
}

// read receives a message over TCP.
func (c *testClient) read() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(c, message)
	return message, err
}

// recvMsg receives an answer, which must be well-formed.
func (c *testClient) recvMsg() *dns.Msg {
	c.s.t.Helper()
	return unpack(c.s.t, c.recv())
}

func unpack(t testing.TB, wire []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	ok(t, m.Unpack(wire))
	return m
}

// query returns a query for the addresses of a name.
func query(name string) *dns.Msg { return new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA) }

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	ok(t, err)
	return wire
}

// ask sends a query to a server, has answer answer it, and returns what comes
// back.
func (s *testServer) ask(m *dns.Msg, answer func(*evdnsserver.Request)) *dns.Msg {
	s.t.Helper()
	c := s.dial()
	c.send(pack(s.t, m))
	answer(s.receive(1)[0])
	return c.recvMsg()
}

// respond is an answer without records.
func respond(t testing.TB, code int) func(*evdnsserver.Request) {
	return func(r *evdnsserver.Request) {
		t.Helper()
		ok(t, r.Respond(code))
	}
}

// logOf returns what is logged until the end of the test.
func logOf(t *testing.T) *bytes.Buffer {
	log := new(bytes.Buffer)
	logTo(t, slog.NewTextHandler(log, nil))
	return log
}
