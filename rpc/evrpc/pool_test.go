package evrpc_test

import (
	"bufio"
	"net"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

func TestAddConnRefusesWhatCannotBe(t *testing.T) {
	f := newFixture(t, 0)
	other, err := evhttp.NewClientConn(evtest.Base(t), "127.0.0.1", 1, nil)
	must(t, err)
	defer other.Free()
	c, err := evhttp.NewClientConnAddress(f.base, f.addr, nil)
	must(t, err)
	must(t, f.pool.AddConn(c))
	for what, c := range map[string]*evhttp.ClientConn{"none": nil, "one of another base": other, "one that is there": c} {
		wantErr(t, what, f.pool.AddConn(c), evrpc.ErrInvalid)
	}
	wantErr(t, "no connections", f.pool.AddConns(f.addr, 0, nil), evrpc.ErrInvalid)
	if err := f.pool.AddConns("nonsense", 1, nil); err == nil {
		t.Error("connections to nonsense")
	}
	wantErr(t, "bad settings", f.pool.AddConns(f.addr, 1, &evhttp.ConnConfig{Family: 1000}), evhttp.ErrInvalid)
	if n := f.pool.ConnCount(); n != 1 {
		t.Errorf("there are %d connections", n)
	}
	wantErr(t, "remove another one", f.pool.RemoveConn(other), evrpc.ErrNotFound)
	_, err = evrpc.NewPool(nil, nil)
	wantErr(t, "a pool without a base", err, evrpc.ErrInvalid)
}

func TestAConnectionThatIsAddedCarriesWhatWaits(t *testing.T) {
	f := newFixture(t, 1)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { kept = c }))
	f.echo()
	first := f.start("Keep", "a")
	second := f.start("Echo", "b")
	f.await("the call", func() bool { return kept != nil })
	if second.over > 0 {
		t.Fatal("a reply without a connection")
	}
	must(t, f.pool.AddConns(f.addr, 1, nil))
	f.finish(second).wantText(t, "b")
	kept.Reply().SetText("c")
	must(t, kept.Done())
	f.finish(first).wantText(t, "c")
}

func TestAConnectionIsRemoved(t *testing.T) {
	f := newFixture(t, 0)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { kept = c }))
	c, err := evhttp.NewClientConnAddress(f.base, f.addr, nil)
	must(t, err)
	defer c.Free()
	must(t, f.pool.AddConn(c))
	r := f.start("Keep", "a")
	waits := f.start("Keep", "b")
	f.await("the call", func() bool { return kept != nil })
	must(t, f.pool.RemoveConn(c))
	_, err = f.pool.MakeRequest("Keep", textOf("a"), new(Text), nil)
	wantErr(t, "without connections", err, evrpc.ErrNoConnection)
	kept.Reply().SetText("goes on")
	must(t, kept.Done())
	f.finish(r).wantText(t, "goes on")
	if waits.over > 0 {
		t.Error("a call by a connection that was removed")
	}
	must(t, f.pool.AddConn(c))
	f.await("the other call", func() bool { return kept.Request().Text() == "b" })
	kept.Reply().SetText("x")
	must(t, kept.Done())
	f.finish(waits).wantText(t, "x")
}

func TestConnectionsThatTheirUserFrees(t *testing.T) {
	f := newFixture(t, 0)
	received := false
	must(t, evrpc.Register(f.server, "Keep", func(*evrpc.Call[Text, Text]) { received = true }))
	f.echo()
	var conns []*evhttp.ClientConn
	for range 3 {
		c, err := evhttp.NewClientConnAddress(f.base, f.addr, nil)
		must(t, err)
		must(t, f.pool.AddConn(c))
		conns = append(conns, c)
	}
	r := f.start("Keep", "a")
	f.await("the call", func() bool { return received })
	conns[2].Free() // which carries it: the last one is the first to be used
	r.wantStatus(t, evrpc.StatusCanceled)
	conns[1].Free()
	f.call("Echo", "b").wantText(t, "b")
	if n := f.pool.ConnCount(); n != 1 {
		t.Errorf("there are %d connections", n)
	}
	conns[0].Free()
	_, err := f.pool.MakeRequest("Echo", textOf("c"), new(Text), func(*evrpc.ClientCall) { t.Error("a callback") })
	wantErr(t, "without connections", err, evrpc.ErrNoConnection)
	wantErr(t, "without connections", err, evrpc.StatusUnstarted)
}

func TestLimitsOfRepliesReachAllConnections(t *testing.T) {
	for what, set := range map[string]func(f *fixture){
		"before": func(f *fixture) { f.pool.SetMaxReplySize(3) },
		"after":  func(f *fixture) { defer f.pool.SetMaxReplySize(3) },
	} {
		f := newFixture(t, 0)
		if what == "before" {
			set(f)
		}
		f.raw(1, answering(answer("200 OK", hi)))
		if what == "after" {
			set(f)
		}
		f.call("Echo", "hi").wantStatus(t, evrpc.StatusBadPayload)
		f.pool.SetMaxReplySize(-1)
		f.call("Echo", "hi").wantText(t, "hi")
	}
}

// TestAConnectionIsMadeAgain has a server that ends its connections after each answer.
func TestAConnectionIsMadeAgain(t *testing.T) {
	f := newFixture(t, 0)
	f.raw(1, func(c net.Conn, r *bufio.Reader) {
		readRequest(r)
		c.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n" + hi))
	})
	for range 3 {
		f.call("Echo", "hi").wantText(t, "hi")
	}
}

func TestConnectionsToUnixSockets(t *testing.T) {
	f := newFixture(t, 0)
	f.echo()
	path := unixPath(t)
	_, err := f.web.BindUnix(path)
	must(t, err)
	must(t, f.pool.AddConns("unix:"+path, 1, nil))
	f.call("Echo", "a").wantText(t, "a")
}
