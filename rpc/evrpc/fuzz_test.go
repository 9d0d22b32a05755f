package evrpc_test

import (
	"bytes"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// FuzzServer has a server of all kinds of handlers read anything: the outcome does not depend
// on how it is split.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{post("/.rpc.Echo", hi), post("/.rpc.Echo", hi+hi), post("/.rpc.Echo", "\xff"), post("/.rpc.Other", ""), "GET /.rpc.Echo HTTP/1.1\r\n\r\n"} {
		f.Add([]byte(seed), 3)
		f.Add([]byte(seed+seed), 20)
	}
	f.Fuzz(func(t *testing.T, raw []byte, at int) {
		whole := answerTo(t, raw)
		at = min(max(at, 0), len(raw))
		if split := answerTo(t, raw[:at], raw[at:]); !bytes.Equal(whole, split) {
			t.Errorf("%q: answered %q, and %q when it is split at %d", raw, whole, split, at)
		}
	})
}

// answerTo returns what a server has answered when nothing happens any more.
func answerTo(t *testing.T, parts ...[]byte) []byte {
	clock := evtest.NewClock()
	base := clock.Base(t)
	stream, peer := evtest.Pair(t, base)
	web := evhttp.NewServer(base)
	defer web.Free()
	server, err := evrpc.NewServer(web, nil)
	must(t, err)
	defer server.Free()
	must(t, evrpc.Register(server, "Echo", func(c *evrpc.Call[Text, Text]) {
		c.Reply().SetText(c.Request().Text())
		must(t, c.Done())
	}))
	must(t, web.Serve(stream))
	for _, part := range parts {
		must(t, peer.Output().Add(part))
		for range 10 {
			evtest.Turn(t, base)
		}
	}
	if server.Pending() > 0 {
		t.Errorf("%d calls are under way", server.Pending())
	}
	got, err := peer.Input().Pullup(-1)
	must(t, err)
	return bytes.Clone(got)
}

// FuzzClient has a client read anything for an answer.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{answer("200 OK", hi), answer("200 OK", hi+hi), answer("503 Service Unavailable", ""), "HTTP/1.1 200 OK\r\n\r\n" + hi} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, raw []byte, at int) {
		at = min(max(at, 0), len(raw))
		whole, split := replyFrom(t, raw), replyFrom(t, raw[:at], raw[at:])
		if whole != split {
			t.Errorf("%q is %+v, and %+v when it is split at %d", raw, whole, split, at)
		}
	})
}

// An outcome is what a client has made of an answer.
type outcome struct {
	text   string
	status evrpc.Status
	over   int
}

// replyFrom returns what a client makes of an answer, behind which the connection ends.
func replyFrom(t *testing.T, parts ...[]byte) (got outcome) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	stream, peer := evtest.Pair(t, base)
	conn, err := evhttp.NewClientConnReuse(stream, "", nil)
	must(t, err)
	pool, err := evrpc.NewPool(base, nil)
	must(t, err)
	defer pool.Free()
	must(t, pool.AddConn(conn))
	reply := new(Text)
	call, err := pool.MakeRequest("Echo", textOf("hi"), reply, func(*evrpc.ClientCall) { got.over++ })
	must(t, err)
	for range 3 {
		evtest.Turn(t, base)
	}
	for _, part := range parts {
		if got.over == 0 {
			must(t, peer.Output().Add(part))
		}
		for range 10 {
			evtest.Turn(t, base)
		}
	}
	peer.Flush(event.Write, bufferevent.ModeFinished) // fails if the client has gone
	for range 10 {
		evtest.Turn(t, base)
	}
	if got.over != 1 || call.UnderWay() {
		t.Fatalf("the callback was called %d times", got.over)
	}
	got.status = call.Status()
	if got.status == evrpc.StatusNone {
		got.text = reply.Text()
	}
	return got
}
