package evdnsserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// frames returns messages as they go over TCP.
func (c *testClient) frames(messages ...[]byte) []byte {
	var all []byte
	for _, m := range messages {
		all = append(all, c.frame(m)...)
	}
	return all
}

// ends checks that the server closes the connection and sends nothing more.
func (c *testClient) ends() {
	c.s.t.Helper()
	var n int64
	var err error
	c.s.run(func() { n, err = io.Copy(io.Discard, c) })
	if n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.s.t.Errorf("%d bytes more, %v", n, err)
	}
}

func TestServerPipelining(t *testing.T) {
	s := newTCPServer(t)
	s.onRequest = func(r *evdnsserver.Request) {
		ok(t, r.AddA(r.Questions[0].Name, ttl, v4))
		ok(t, r.Respond(0))
	}
	const n = 1000
	var queries [][]byte
	for i := range n {
		queries = append(queries, pack(t, query(fmt.Sprintf("host-%d.example", i))))
	}
	c := s.dial()
	all := c.frames(queries...)
	s.run(func() { c.Write(all) })
	for i := range n {
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, fmt.Sprintf("host-%d.example.", i))
	}
}

// Requests may arrive byte by byte.
func TestServerTakesRequestsInPieces(t *testing.T) {
	s := newTCPServer(t)
	s.onRequest = func(r *evdnsserver.Request) { ok(t, r.Respond(0)) }
	c := s.dial()
	for _, b := range c.frames(pack(t, query("one.example")), pack(t, query("two.example"))) {
		_, err := c.Write([]byte{b})
		ok(t, err)
		for range 3 {
			_, err = s.loop.Loop(event.LoopNonblock)
			ok(t, err)
		}
	}
	dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "one.example.")
	dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "two.example.")
}

func TestServerTakesLongRequests(t *testing.T) {
	s := newTCPServer(t)
	c := s.dial()
	m := packet(0, 1, 0, 0, 0, exampleQuestion)
	m = append(m, bytes.Repeat([]byte("x"), 65535-len(m))...)
	s.run(func() { c.Write(c.frames(m, m, m)) })
	for _, r := range s.receive(3) {
		dnstest.Equal(t, "question", r.Questions[0].Name, "example.com.")
		ok(t, r.Respond(0))
		c.recvMsg()
	}
}

func TestServerClosesConnectionsWithEmptyMessages(t *testing.T) {
	s := newTCPServer(t)
	c := s.dial()
	c.send(nil)
	c.ends()
	dnstest.Equal(t, "requests", len(s.requests), 0)
}

// A client that sends no more gets its answers, and then the end.
func TestServerAnswersThoseWhoHaveSentAll(t *testing.T) {
	for _, rest := range []string{"", "\x00", "\x00\x20rest"} {
		s := newTCPServer(t)
		c := s.dial()
		_, err := c.Write(append(c.frames(pack(t, query("one.example")), pack(t, query("two.example"))), rest...))
		ok(t, err)
		ok(t, c.Conn.(*net.TCPConn).CloseWrite())
		requests := s.receive(2)
		ok(t, requests[1].Respond(0))
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "two.example.")
		ok(t, requests[0].Respond(0))
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "one.example.")
		c.ends()
	}
}

func TestServerClosesConnectionsWhoseRequestsAreDropped(t *testing.T) {
	s := newTCPServer(t)
	s.onRequest = func(r *evdnsserver.Request) { ok(t, r.Drop()) }
	c := s.dial()
	_, err := c.Write(c.frames(pack(t, query("one.example")), pack(t, query("two.example"))))
	ok(t, err)
	ok(t, c.Conn.(*net.TCPConn).CloseWrite())
	c.ends()
	dnstest.Equal(t, "requests", len(s.requests), 2)
}

func TestServerSaysThatAClientIsGone(t *testing.T) {
	s := newTCPServer(t)
	c := s.dial()
	const n = 20
	for range n {
		c.send(pack(t, query("example.com")))
	}
	requests := s.receive(n)
	ok(t, c.Conn.(*net.TCPConn).SetLinger(0))
	ok(t, c.Close()) // which resets the connection
	gone := 0
	for _, r := range requests {
		if gone == 0 {
			_, err := s.loop.Loop(event.LoopOnce) // until it is heard of
			ok(t, err)
		}
		if err := r.Respond(0); err != nil {
			is(t, "Respond", err, evdnsserver.ErrClientGone)
			gone++
		}
	}
	dnstest.Equal(t, "failed answers", s.Stats().Failed, uint64(gone))
	if gone == 0 {
		t.Error("all answers were taken, for nobody")
	}
}

func TestServerClosesConnections(t *testing.T) {
	s := newTCPServer(t)
	c, idle := s.dial(), s.dial()
	c.send(pack(t, query("example.com")))
	r := s.receive(1)[0]
	s.Close()
	c.ends()
	idle.ends()
	is(t, "Respond", r.Respond(0), evdnsserver.ErrClientGone)
	dispatch(t, s.loop) // which has nothing to wait for
	if conn, err := net.Dial("tcp", s.addr.String()); err == nil {
		conn.Close()
		t.Error("the listener goes on")
	}
}

func TestServerLimitsConnections(t *testing.T) {
	s := newTCPServer(t)
	s.onRequest = func(r *evdnsserver.Request) { ok(t, r.Respond(0)) }
	ok(t, s.SetMaxClients(2))
	talk := func(c *testClient) {
		c.send(pack(t, query("example.com")))
		c.recvMsg()
	}
	first, second := s.dial(), s.dial()
	talk(first)
	talk(second)
	s.dial().ends()
	talk(first)

	ok(t, first.Conn.(*net.TCPConn).CloseWrite())
	first.ends()
	talk(s.dial())
	ok(t, s.SetMaxClients(0))
	s.dial().ends()
	talk(second)
}

func TestServerClosesIdleConnections(t *testing.T) {
	s := newTCPServer(t)
	ok(t, s.SetIdleTimeout(time.Millisecond))
	s.dial().ends()

	c := s.dial()
	_, err := c.Write([]byte{0}) // half of a length is no request
	ok(t, err)
	c.ends()
}

// A connection is not idle as long as the server has something to do for it.
func TestServerKeepsConnectionsThatWait(t *testing.T) {
	s := newTCPServer(t)
	ok(t, s.SetIdleTimeout(time.Millisecond))
	c := s.dial()
	c.send(pack(t, query("example.com")))
	requests := []*evdnsserver.Request{}
	s.onRequest = func(r *evdnsserver.Request) { requests = append(requests, r) }
	for len(requests) == 0 {
		dispatch(t, s.loop)
	}
	timer := s.loop.NewTimer(func(*event.Event, event.What) { ok(t, requests[0].Respond(0)) })
	ok(t, timer.AddTimeout(50*time.Millisecond))
	dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "example.com.")
	c.ends()
}

// A client that only sends gets as many requests in as may be open, and goes on
// when they are answered.
func TestServerLimitsPipelining(t *testing.T) {
	s := newTCPServer(t)
	c := s.dial()
	const n, most = 500, 128
	var queries [][]byte
	for i := range n {
		queries = append(queries, pack(t, query(fmt.Sprintf("host-%d.example", i))))
	}
	s.run(func() { c.Write(c.frames(queries...)) })
	for got := 0; got < n; {
		for range 10 {
			_, err := s.loop.Loop(event.LoopNonblock)
			ok(t, err)
		}
		if len(s.requests) > most {
			t.Fatalf("%d requests at a time", len(s.requests))
		}
		for _, r := range s.receive(min(most, n-got)) {
			ok(t, r.Respond(0))
			got++
		}
	}
	for i := range n {
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, fmt.Sprintf("host-%d.example.", i))
	}
}

// A client that never reads costs a bounded amount of memory, and its place only
// for so long.
func TestServerEndsThoseWhoNeverRead(t *testing.T) {
	s := newTCPServer(t)
	ok(t, s.SetIdleTimeout(50*time.Millisecond))
	answers := 0
	s.onRequest = func(r *evdnsserver.Request) {
		answers++
		rr := &dns.RFC3597{
			Hdr:   dns.RR_Header{Name: "example.com.", Rrtype: 65280, Class: dns.ClassINET},
			Rdata: strings.Repeat("ab", 60000),
		}
		ok(t, r.AddReply(evdnsserver.AnswerSection, rr))
		ok(t, r.Respond(0))
	}
	c := s.dial()
	frame := c.frame(pack(t, query("example.com")))
	s.run(func() {
		var err error
		for err == nil { // until the server closes the connection
			_, err = c.Write(bytes.Repeat(frame, 100))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	// What the kernel keeps for both sides, and a few in the server.
	if answers > 1000 {
		t.Errorf("%d answers of 60 kB for nobody", answers)
	}
}

// Answers that the client takes slowly all arrive.
func TestServerWaitsForSlowReaders(t *testing.T) {
	s := newTCPServer(t)
	rr := record(t, `example.com. 300 TXT "`+strings.Repeat("x", 99)+`"`)
	s.onRequest = func(r *evdnsserver.Request) {
		for range 500 {
			ok(t, r.AddReply(evdnsserver.AnswerSection, rr))
		}
		ok(t, r.Respond(0))
	}
	c := s.dial()
	const n = 300 // more than the kernel keeps
	s.run(func() {
		for range n {
			c.Write(c.frame(pack(t, query("example.com"))))
		}
		for range n {
			wire, err := c.read()
			if err != nil {
				t.Error(err)
				return
			}
			if len(wire) < 500*textSize {
				t.Errorf("%d bytes", len(wire))
			}
		}
	})
}
