//go:build unix

package evdnsserver_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// newPairServer starts a server on one end of a pair of datagram sockets, which,
// unlike UDP, take no more than the other end reads.
func newPairServer(t *testing.T) (s *testServer, client int) {
	t.Helper()
	s = &testServer{t: t, loop: newLoop(t), net: "udp"}
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	ok(t, err)
	t.Cleanup(func() { evutil.CloseSocket(pair[1]) })
	for _, fd := range pair {
		ok(t, evutil.SetNonblock(fd))
	}
	s.Server, err = evdnsserver.NewUDP(s.loop, pair[0], s.hold)
	ok(t, err)
	t.Cleanup(s.end)
	return s, pair[1]
}

func numbered(t *testing.T, i int) []byte { return pack(t, query(fmt.Sprintf("host-%d.example", i))) }

// Answers that the socket has no room for wait, and so do the next requests.
func TestServerWaitsForRoomInItsSocket(t *testing.T) {
	s, client := newPairServer(t)
	s.onRequest = func(r *evdnsserver.Request) { ok(t, r.Respond(0)) }
	const n = 500
	b := datagram.NewBatch(16, 512)
	sent, got := 0, 0
	for got < n {
		for sent < n { // as much as there is room for
			done, err := b.Send(client, []datagram.Message{{Data: numbered(t, sent)}})
			ok(t, err)
			if done == 0 {
				break
			}
			sent++
		}
		for range 4 {
			_, err := s.loop.Loop(event.LoopNonblock)
			ok(t, err)
		}
		messages, err := b.Recv(client)
		ok(t, err)
		for _, m := range messages {
			dnstest.Equal(t, "question", unpack(t, m.Data).Question[0].Name, fmt.Sprintf("host-%d.example.", got))
			got++
		}
	}
	dnstest.Equal(t, "answers", s.Stats().Answers, n)
	dnstest.Equal(t, "failed answers", s.Stats().Failed, 0)
}

// receiveNow runs the loop a few times, and returns what has arrived.
func (s *testServer) receiveNow() []*evdnsserver.Request {
	for range 4 {
		_, err := s.loop.Loop(event.LoopNonblock)
		ok(s.t, err)
	}
	got := s.requests
	s.requests = nil
	return got
}

// More answers than may wait are errors. What does wait is still sent after Close.
func TestServerRefusesAnswersWithoutRoom(t *testing.T) {
	s, client := newPairServer(t)
	b := datagram.NewBatch(16, 512)
	const n = 5000
	var requests []*evdnsserver.Request
	for i := range n {
		done, err := b.Send(client, []datagram.Message{{Data: numbered(t, i)}})
		ok(t, err)
		dnstest.Equal(t, "sent", done, 1)
		requests = append(requests, s.receiveNow()...)
	}
	dnstest.Equal(t, "requests", len(requests), n)
	refused := 0
	for _, r := range requests {
		if err := r.Respond(0); err != nil {
			is(t, "Respond", err, evdnsserver.ErrPending)
			refused++
		}
	}
	if refused == 0 || refused > n-4096 {
		t.Errorf("%d answers refused", refused)
	}
	dnstest.Equal(t, "failed answers", s.Stats().Failed, uint64(refused))
	s.Close()
	got := 0
	for got < n-refused {
		s.receiveNow()
		messages, err := b.Recv(client)
		ok(t, err)
		got += len(messages)
	}
}

// A socket that goes on failing is told about once, and does not keep the loop
// busy.
func TestServerOnASocketThatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // which nothing can be received from
	ok(t, err)
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	ok(t, err)
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	ok(t, err)

	loop := newLoop(t)
	p, err := evdnsserver.NewUDP(loop, fd, func(*evdnsserver.Request) { t.Error("a request") })
	ok(t, err)
	defer p.Close()
	var log bytes.Buffer
	logTo(t, slog.NewTextHandler(&log, nil))
	c, err := net.Dial("tcp", l.Addr().String())
	ok(t, err)
	defer c.Close()
	for log.Len() == 0 {
		_, err := loop.Loop(event.LoopOnce)
		ok(t, err)
	}
	loop.EnableStats(true)
	for range 10 {
		_, err := loop.Loop(event.LoopNonblock)
		ok(t, err)
	}
	if n := loop.Stats().Callbacks; n > 1 { // one pause may have ended
		t.Errorf("%d callbacks in a pause", n)
	}
	dnstest.Equal(t, "messages", bytes.Count(log.Bytes(), []byte("\n")), 1)
	for loop.Stats().Callbacks < 4 { // it tries again
		_, err := loop.Loop(event.LoopOnce)
		ok(t, err)
	}
	dnstest.Equal(t, "messages", bytes.Count(log.Bytes(), []byte("\n")), 1)
}

// Answers that the system does not take are counted, and logged once in a while.
func TestServerLogsWhatItCannotSend(t *testing.T) {
	s, client := newPairServer(t)
	log := logOf(t)
	b := datagram.NewBatch(16, 512)
	for i := range 5 {
		_, err := b.Send(client, []datagram.Message{{Data: numbered(t, i)}})
		ok(t, err)
	}
	requests := s.receive(5)
	ok(t, evutil.CloseSocket(client))
	for _, r := range requests {
		ok(t, r.Respond(0)) // to be sent at the end of the iteration
	}
	s.receiveNow()
	dnstest.Equal(t, "failed answers", s.Stats().Failed, 5)
	dnstest.Equal(t, "lines", strings.Count(log.String(), "\n"), 1)
	for _, part := range []string{"server cannot send", "error=", "send fd"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("log %q, want %q in it", log, part)
		}
	}
}
