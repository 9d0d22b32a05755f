package evrpc_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// TestWhatClientsMakeOfAnswers has what was tried with a client in C, whose status is the same but
// where it says so.
func TestWhatClientsMakeOfAnswers(t *testing.T) {
	for _, test := range []struct {
		what   string
		script func(c net.Conn, r *bufio.Reader)
		status evrpc.Status
		code   int
		cause  error
	}{
		{"a reply", answering(answer("200 OK", hi)), evrpc.StatusNone, 200, nil},
		{"a reply with another code of success", answering(answer("203 Sure", hi)), evrpc.StatusNone, 203, nil},
		{"a reply with 503, a success in C", answering(answer("503 Service Unavailable", hi)), evrpc.StatusBadPayload, 503, evrpc.ErrAnswer},
		{"503 with a page", answering(answer("503 Service Unavailable", "<html>")), evrpc.StatusBadPayload, 503, evrpc.ErrAnswer},
		{"404", answering(answer("404 Not Found", "")), evrpc.StatusBadPayload, 404, evrpc.ErrAnswer},
		{"junk for a reply", answering(answer("200 OK", "\xff\xff\xff\xff\xff\xff")), evrpc.StatusBadPayload, 200, nil},
		{"nothing for a reply", answering(answer("200 OK", "")), evrpc.StatusBadPayload, 200, errMissing},
		{"a field twice", answering(answer("200 OK", hi+hi)), evrpc.StatusBadPayload, 200, nil},
		{"too long", answering(answer("200 OK", "\x01\x10\x14"+strings.Repeat("x", 65))), evrpc.StatusBadPayload, 200, nil},
		{"no HTTP", answering("hello\r\n\r\n"), evrpc.StatusBadPayload, 0, nil},
		{"no answer", func(_ net.Conn, r *bufio.Reader) { readRequest(r) }, evrpc.StatusTimeout, 0, io.ErrUnexpectedEOF},
		{"a part of an answer", func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01")
		}, evrpc.StatusTimeout, 200, io.ErrUnexpectedEOF},
		{"a reset", func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			c.(*net.TCPConn).SetLinger(0)
		}, evrpc.StatusTimeout, 0, nil},
	} {
		t.Run(test.what, func(t *testing.T) {
			f := newFixture(t, 0)
			f.pool.SetMaxReplySize(64)
			f.raw(1, test.script)
			r := f.call("Echo", "hi")
			if test.status == evrpc.StatusNone {
				r.wantText(t, "hi")
				return
			}
			r.wantStatus(t, test.status)
			var e *evrpc.Error
			if !errors.As(r.err, &e) || e.Code != test.code || e.Name != "Echo" || r.reply != nil {
				t.Errorf("%v, code %d, want %d; reply %v", r.err, e.Code, test.code, r.reply)
			}
			if test.cause != nil {
				wantErr(t, "cause", r.err, test.cause)
			}
		})
	}
}

func TestARequestIsWhatCWouldSend(t *testing.T) {
	f := newFixture(t, 0)
	heads := make(chan string, 1)
	f.raw(1, func(c net.Conn, r *bufio.Reader) {
		head, body := readRequest(r)
		heads <- head + body
		io.WriteString(c, answer("200 OK", hi))
	})
	f.call("Echo", "hi").wantText(t, "hi")
	head := <-heads
	if !strings.HasPrefix(head, "POST /.rpc.Echo HTTP/1.1\r\n") || !strings.HasSuffix(head, "\r\n\r\n"+hi) || !strings.Contains(head, "\r\nContent-Length: 4\r\n") {
		t.Errorf("request %q", head)
	}
}

func TestAServerThatRefusesConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	l.Close()
	f := newFixture(t, 0)
	must(t, f.pool.AddConns(addr, 1, nil))
	for range 2 {
		r := f.call("Echo", "a")
		r.wantStatus(t, evrpc.StatusBadPayload)
		var e *evrpc.Error
		if errors.As(r.err, &e); e.Code != 0 || !evutil.IsConnectRefused(e.Err) {
			t.Errorf("code %d, %v", e.Code, e.Err)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	f := newFixture(t, 2)
	f.echo()
	for range 10 {
		f.call("Echo", "a").wantText(t, "a")
	}
	if n := f.web.ConnectionCount(); n != 1 {
		t.Errorf("one call after the other took %d connections", n)
	}
	r, s := f.start("Echo", "b"), f.start("Echo", "c")
	f.finish(r).wantText(t, "b")
	f.finish(s).wantText(t, "c")
	if n := f.web.ConnectionCount(); n != 2 {
		t.Errorf("two calls took %d connections", n)
	}
}

func TestCallsWaitInTheOrderInWhichTheyCame(t *testing.T) {
	f := newFixture(t, 1)
	var order []string
	must(t, evrpc.Register(f.server, "Order", func(c *evrpc.Call[Text, Text]) {
		order = append(order, c.Request().Text())
		c.Reply().SetText("")
		must(t, c.Done())
	}))
	var results []*result
	for _, text := range []string{"a", "b", "c", "d"} {
		results = append(results, f.start("Order", text))
	}
	if all, waiting := f.pool.Pending(); all != 4 || waiting != 3 {
		t.Errorf("%d calls, of which %d wait", all, waiting)
	}
	for _, r := range results {
		f.finish(r).wantText(t, "")
	}
	if got := strings.Join(order, ""); got != "abcd" {
		t.Errorf("order %s", got)
	}
	if all, waiting := f.pool.Pending(); all != 0 || waiting != 0 {
		t.Errorf("%d calls, of which %d wait", all, waiting)
	}
}

func TestStartRefusesWhatCannotBe(t *testing.T) {
	f := newFixture(t, 0)
	f.pool.SetMaxWaiting(1)
	start := func(request evrpc.Message) error {
		_, err := f.pool.MakeRequest("Keep", request, new(Text), func(*evrpc.ClientCall) { t.Error("the callback was called") })
		return err
	}
	want := func(what string, err, cause error) {
		t.Helper()
		wantErr(t, what, err, cause)
		wantErr(t, what, err, evrpc.StatusUnstarted)
	}
	want("without connections", start(textOf("a")), evrpc.ErrNoConnection)
	f.raw(1, func(_ net.Conn, r *bufio.Reader) { readRequest(r); io.Copy(io.Discard, r) })
	want("an incomplete request", start(new(Text)), errMissing)
	var calls []*evrpc.ClientCall
	for range 2 {
		c, err := f.pool.MakeRequest("Keep", textOf("a"), new(Text), nil)
		must(t, err)
		calls = append(calls, c)
	}
	want("too many calls", start(textOf("a")), evrpc.ErrTooMany)
	want("a call that is under way", calls[0].Start(), evrpc.ErrBusy)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(io.EOF)
	want("a context that is done", calls[0].StartContext(ctx), io.EOF)
	wantErr(t, "another pool", calls[0].SetPool(f.pool), evrpc.ErrBusy)
	wantErr(t, "no pool", calls[0].SetPool(nil), evrpc.ErrBusy)
	for _, c := range calls {
		c.Cancel()
	}
	wantErr(t, "no pool", calls[0].SetPool(nil), evrpc.ErrInvalid)
	_, err := f.pool.NewCall("Keep", nil, new(Text), nil)
	wantErr(t, "no request", err, evrpc.ErrInvalid)
	_, err = f.pool.NewCall("Keep", new(Text), nil, nil)
	wantErr(t, "no reply", err, evrpc.ErrInvalid)
	_, err = evrpc.MakeRequest[Text](f.pool, "Keep", textOf("a"), nil)
	wantErr(t, "no callback", err, evrpc.ErrInvalid)
	f.pool.Free()
	want("a pool that is freed", start(textOf("a")), evrpc.ErrFreed)
}

func TestACallIsStartedAgain(t *testing.T) {
	f := newFixture(t, 1)
	f.echo()
	request, reply, n := textOf("x"), new(Text), 0
	call, err := f.pool.NewCall("Echo", request, reply, func(c *evrpc.ClientCall) {
		if c.Err() != nil || c.Status() != evrpc.StatusNone || reply.Text() != request.Text() || c.UnderWay() {
			t.Errorf("%d: %v, reply %q", n, c.Err(), reply.Text())
		}
		if _, found := c.FindMeta("n"); found != (n == 0) {
			t.Errorf("%d: metadata is there: %v", n, found)
		}
		if n++; n < 5 {
			request.SetText(strings.Repeat("x", n+1))
			must(t, c.Start())
		}
	})
	must(t, err)
	call.AddMeta("n", nil)
	if call.Pool() != f.pool || call.Name() != "Echo" || call.Request() != request || call.Reply() != reply {
		t.Error("a call of something else")
	}
	must(t, call.Start())
	if !call.UnderWay() {
		t.Error("not under way")
	}
	f.await("five calls", func() bool { return n == 5 })
	if call.HTTP().ResponseCode() != 200 {
		t.Errorf("the code is %d", call.HTTP().ResponseCode())
	}
}

func TestACallGoesToAnotherPool(t *testing.T) {
	f := newFixture(t, 0)
	f.echo()
	other, err := evrpc.NewPool(f.base, nil)
	must(t, err)
	defer other.Free()
	must(t, other.AddConns(f.addr, 1, nil))
	over := false
	call, err := f.pool.NewCall("Echo", textOf("a"), new(Text), nil)
	must(t, err)
	wantErr(t, "without connections", call.Start(), evrpc.ErrNoConnection)
	must(t, call.SetPool(other))
	call.SetCallback(func(c *evrpc.ClientCall) { over = c.Err() == nil })
	must(t, call.Start())
	f.await("the reply", func() bool { return over })
	if call.Pool() != other || other.Base() != f.base {
		t.Error("another pool")
	}
}

// TestTimeouts has calls that are in different places when time is up.
func TestTimeouts(t *testing.T) {
	clock := evtest.NewClock()
	f := newFixtureOn(t, clock.Base(t), 0)
	f.pool.SetTimeout(90 * time.Second)
	if d := f.pool.Timeout(); d != 90*time.Second {
		t.Errorf("timeout %v", d)
	}
	received := false
	must(t, evrpc.Register(f.server, "Keep", func(*evrpc.Call[Text, Text]) { received = true }))
	f.echo()
	must(t, f.pool.AddConns(f.addr, 1, nil))
	_, err := f.pool.AddHook(evrpc.InputHook, func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult { return evrpc.HookPause })
	must(t, err)
	paused := f.start("Echo", "its answer is paused")
	f.await("the answer", func() bool {
		all, waiting := f.pool.Pending()
		return all == 1 && waiting == 0 && f.web.ConnectionCount() == 1
	})
	sent := f.start("Keep", "it is sent")
	waits := f.start("Keep", "it waits")
	f.await("the call", func() bool { return received })
	clock.Advance(89 * time.Second)
	evtest.Turn(t, f.base)
	if paused.over+sent.over+waits.over > 0 {
		t.Fatal("too early")
	}
	clock.Advance(time.Second)
	for _, r := range []*result{paused, sent, waits} {
		f.finish(r).wantStatus(t, evrpc.StatusTimeout, os.ErrDeadlineExceeded, context.DeadlineExceeded)
		var e net.Error
		if !errors.As(r.err, &e) || !e.Timeout() {
			t.Errorf("%v is no timeout", r.err)
		}
	}
	f.await("the end of the call", func() bool { return f.server.Pending() == 0 })
	if all, _ := f.pool.Pending(); all != 0 {
		t.Errorf("%d calls are under way", all)
	}
}

func TestATimeoutDoesNotPassWithoutOne(t *testing.T) {
	clock := evtest.NewClock()
	f := newFixtureOn(t, clock.Base(t), 0)
	var kept *evrpc.Call[Text, Text]
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { kept = c }))
	must(t, f.pool.AddConns(f.addr, 1, &evhttp.ConnConfig{ReadTimeout: -1}))
	r := f.start("Keep", "a")
	f.await("the call", func() bool { return kept != nil })
	clock.Advance(24 * time.Hour)
	evtest.Turn(t, f.base)
	kept.Reply().SetText("at last")
	must(t, kept.Done())
	f.finish(r).wantText(t, "at last")
}

func TestTheTimeoutOfAConnectionCounts(t *testing.T) {
	clock := evtest.NewClock()
	f := newFixtureOn(t, clock.Base(t), 1)
	received := false
	must(t, evrpc.Register(f.server, "Keep", func(c *evrpc.Call[Text, Text]) { received = true }))
	r := f.start("Keep", "a")
	f.await("the call", func() bool { return received })
	clock.Advance(evhttp.DefaultResponseTimeout)
	f.finish(r).wantStatus(t, evrpc.StatusTimeout, os.ErrDeadlineExceeded)
}

func TestCancel(t *testing.T) {
	f := newFixture(t, 1)
	received := 0
	must(t, evrpc.Register(f.server, "Keep", func(*evrpc.Call[Text, Text]) { received++ }))
	f.echo()
	over := 0
	done := func(c *evrpc.ClientCall) {
		over++
		wantErr(t, "canceled", c.Err(), evrpc.StatusCanceled)
		wantErr(t, "canceled", c.Err(), evrpc.ErrCanceled)
	}
	sent, err := f.pool.MakeRequest("Keep", textOf("a"), new(Text), done)
	must(t, err)
	waits, err := f.pool.MakeRequest("Keep", textOf("b"), new(Text), done)
	must(t, err)
	f.await("the call", func() bool { return received == 1 })
	next := f.start("Echo", "c")
	waits.Cancel()
	waits.Cancel()
	sent.Cancel()
	if over != 2 || sent.Status() != evrpc.StatusCanceled {
		t.Errorf("%d callbacks, status %v", over, sent.Status())
	}
	f.finish(next).wantText(t, "c")
	if received != 1 {
		t.Error("a call was sent that was given up")
	}
}

func TestContextsGiveCallsUp(t *testing.T) {
	f := newFixture(t, 1)
	received := 0
	must(t, evrpc.Register(f.server, "Keep", func(*evrpc.Call[Text, Text]) { received++ }))
	f.echo()
	for _, test := range []struct {
		make   func() (context.Context, context.CancelFunc)
		status evrpc.Status
		cause  error
	}{
		{func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Millisecond)
		},
			evrpc.StatusTimeout, context.DeadlineExceeded},
		{func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				for f.base.Post(func() {
					if received == 2 {
						cancel(io.ErrClosedPipe)
					}
				}) == nil && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
			}()
			return ctx, func() { cancel(nil) }
		}, evrpc.StatusCanceled, io.ErrClosedPipe},
	} {
		received = 1
		ctx, cancel := test.make()
		over := false
		call, err := f.pool.NewCall("Keep", textOf("a"), new(Text), func(*evrpc.ClientCall) { over = true })
		must(t, err)
		if must(t, call.StartContext(ctx)); call.UnderWay() {
			f.await("the end of the call", func() bool { return over })
		}
		wantErr(t, "call", call.Err(), test.status)
		wantErr(t, "call", call.Err(), test.cause)
		cancel()
	}

	// A context that is done later does nothing.
	ctx, cancel := context.WithCancel(context.Background())
	call, err := f.pool.NewCall("Echo", textOf("a"), new(Text), nil)
	must(t, err)
	must(t, call.StartContext(ctx))
	f.await("the reply", func() bool { return !call.UnderWay() })
	must(t, call.Err(), call.Start())
	cancel()
	f.await("the reply", func() bool { return !call.UnderWay() })
	must(t, call.Err())
}

func TestAPoolIsFreedWhileCallsAreUnderWay(t *testing.T) {
	for _, test := range []struct {
		what  string
		free  func(f *fixture)
		cause error
	}{
		{"the pool", func(f *fixture) { f.pool.Free(); f.pool.Free() }, evrpc.ErrFreed},
		{"the base", func(f *fixture) { f.base.Free() }, event.ErrFreed},
	} {
		t.Run(test.what, func(t *testing.T) {
			f := newFixture(t, 1)
			received := false
			must(t, evrpc.Register(f.server, "Keep", func(*evrpc.Call[Text, Text]) { received = true }))
			f.pool.SetTimeout(time.Hour)
			sent, waits := f.start("Keep", "a"), f.start("Keep", "b")
			f.await("the call", func() bool { return received })
			test.free(f)
			sent.wantStatus(t, evrpc.StatusCanceled, test.cause)
			waits.wantStatus(t, evrpc.StatusCanceled, test.cause)
			_, err := f.pool.MakeRequest("Keep", textOf("a"), new(Text), nil)
			wantErr(t, "a call after that", err, evrpc.StatusUnstarted)
			wantErr(t, "connections after that", f.pool.AddConns(f.addr, 1, nil), evrpc.ErrFreed)
		})
	}
}

func TestAPoolIsFreedByACallback(t *testing.T) {
	f := newFixture(t, 2)
	f.echo()
	results := []*result{f.start("Echo", "a"), f.start("Echo", "b"), f.start("Echo", "c"), f.start("Echo", "d")}
	freed := false
	_, err := f.pool.AddHook(evrpc.InputHook, func(*evrpc.Exchange, *evbuffer.Buffer) evrpc.HookResult {
		f.pool.Free()
		freed = true
		return evrpc.HookContinue
	})
	must(t, err)
	f.await("a reply", func() bool { return freed })
	for _, r := range results {
		r.wantStatus(t, evrpc.StatusCanceled, evrpc.ErrFreed)
	}
}
