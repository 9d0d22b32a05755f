package evrpc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// running makes a fixture whose loop runs, with an RPC Echo and one that is never answered, and
// returns how many of these calls have come.
func running(t *testing.T, conns int) (pool *evrpc.Pool, server *evrpc.Server, kept chan struct{}) {
	t.Helper()
	base := evtest.Loop(t)
	kept = make(chan struct{}, 100)
	var web *evhttp.Server
	evtest.Do(t, base, func() {
		web = evhttp.NewServer(base)
		bound, err := web.Listen("127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		server, _ = evrpc.NewServer(web, nil)
		pool, _ = evrpc.NewPool(base, nil)
		err = errors.Join(
			evrpc.Register(server, "Echo", func(c *evrpc.Call[Text, Text]) {
				c.Reply().SetText(c.Request().Text())
				c.Done()
			}),
			evrpc.Register(server, "Keep", func(*evrpc.Call[Text, Text]) { kept <- struct{}{} }),
			pool.AddConns(bound.AddrPort().String(), conns, nil))
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		base.Call(context.Background(), func() {
			pool.Free()
			server.Free()
			web.Free()
		})
	})
	return pool, server, kept
}

func TestInvokeWaitsInManyGoroutines(t *testing.T) {
	pool, _, _ := running(t, 4)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for j := range 20 {
				text := fmt.Sprint(i, j)
				reply, err := evrpc.Invoke[Text](context.Background(), pool, "Echo", textOf(text))
				if err != nil || reply.Text() != text {
					t.Errorf("%s: %+v, %v", text, reply, err)
				}
			}
		})
	}
	all.Wait()
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	pool, server, kept := running(t, 1)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-kept
		cancel(io.ErrClosedPipe)
	}()
	_, err := evrpc.Invoke[Text](ctx, pool, "Keep", textOf("a"))
	wantErr(t, "canceled", err, evrpc.StatusCanceled)
	wantErr(t, "canceled", err, io.ErrClosedPipe)
	_, err = evrpc.Invoke[Text](ctx, pool, "Keep", textOf("a"))
	wantErr(t, "canceled before", err, evrpc.StatusCanceled)
	wantErr(t, "canceled before", err, io.ErrClosedPipe)

	late, stop := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer stop()
	_, err = evrpc.Invoke[Text](late, pool, "Keep", textOf("a"))
	wantErr(t, "too late", err, evrpc.StatusTimeout)
	wantErr(t, "too late", err, context.DeadlineExceeded)
	if _, err := evrpc.Invoke[Text](context.Background(), pool, "Echo", textOf("a")); err != nil {
		t.Error(err)
	}
	for pending := 1; pending > 0; {
		evtest.Do(t, pool.Base(), func() { pending = server.Pending() })
	}
}

func TestInvokeRefusesWhatCannotBe(t *testing.T) {
	pool, _, _ := running(t, 0+1)
	for _, test := range []struct {
		what, name     string
		request, reply evrpc.Message
		want           error
	}{
		{"a bad name", "a b", textOf("a"), new(Text), evrpc.ErrInvalid},
		{"no request", "Echo", nil, new(Text), evrpc.ErrInvalid},
		{"no reply", "Echo", textOf("a"), nil, evrpc.ErrInvalid},
		{"an incomplete request", "Echo", new(Text), new(Text), errMissing},
	} {
		err := pool.Invoke(context.Background(), test.name, test.request, test.reply)
		wantErr(t, test.what, err, test.want)
		wantErr(t, test.what, err, evrpc.StatusUnstarted)
	}
	err := pool.Invoke(nil, "Echo", textOf("a"), new(Text)) //lint:ignore SA1012 that is the test
	wantErr(t, "no context", err, event.ErrNil)
	evtest.Do(t, pool.Base(), func() {
		_, err := evrpc.Invoke[Text](context.Background(), pool, "Echo", textOf("a"))
		wantErr(t, "on the loop", err, evrpc.ErrOnLoop)
		pool.Free()
	})
	_, err = evrpc.Invoke[Text](context.Background(), pool, "Echo", textOf("a"))
	wantErr(t, "a pool that is freed", err, evrpc.ErrFreed)
}

func TestInvokeTellsFailures(t *testing.T) {
	base := evtest.Loop(t)
	var pool *evrpc.Pool
	evtest.Do(t, base, func() { pool, _ = evrpc.NewPool(base, nil) })
	defer base.Call(context.Background(), func() { pool.Free() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var done sync.WaitGroup
	defer done.Wait()
	defer l.Close()
	done.Go(func() {
		for _, reply := range []string{answer("503 Service Unavailable", ""), answer("200 OK", "\xff"), ""} {
			c, err := l.Accept()
			if err != nil {
				return
			}
			readRequest(bufio.NewReader(c))
			io.WriteString(c, strings.Replace(reply, "\r\n", "\r\nConnection: close\r\n", 1))
			c.Close()
		}
	})
	evtest.Do(t, base, func() { pool.AddConns(l.Addr().String(), 1, nil) })
	for _, want := range []struct {
		status evrpc.Status
		code   int
	}{{evrpc.StatusBadPayload, 503}, {evrpc.StatusBadPayload, 200}, {evrpc.StatusTimeout, 0}} {
		_, err := evrpc.Invoke[Text](context.Background(), pool, "Echo", textOf("a"))
		var e *evrpc.Error
		if !errors.As(err, &e) || e.Status != want.status || e.Code != want.code {
			t.Errorf("%v, want %v with %d", err, want.status, want.code)
		}
	}
}

func TestInvokeEndsWhenThePoolOrBaseIsFreed(t *testing.T) {
	pool, _, kept := running(t, 1)
	go func() {
		<-kept
		pool.Base().Post(pool.Free)
	}()
	_, err := evrpc.Invoke[Text](context.Background(), pool, "Keep", textOf("a"))
	wantErr(t, "the pool was freed", err, evrpc.ErrFreed)

	base, err := event.NewBase()
	must(t, err)
	received := make(chan struct{})
	web := evhttp.NewServer(base)
	bound, err := web.Listen("127.0.0.1:0")
	must(t, err)
	server, err := evrpc.NewServer(web, nil)
	must(t, err)
	must(t, evrpc.Register(server, "Keep", func(*evrpc.Call[Text, Text]) { close(received); base.LoopExit(0) }))
	pool, err = evrpc.NewPool(base, nil)
	must(t, err)
	must(t, pool.AddConns(bound.AddrPort().String(), 1, nil))
	over := make(chan error)
	go func() {
		_, err := evrpc.Invoke[Text](context.Background(), pool, "Keep", textOf("a"))
		over <- err
	}()
	must(t, base.Dispatch())
	<-received
	web.Free()
	base.Free()
	wantErr(t, "the base was freed", <-over, event.ErrFreed)
	_, err = evrpc.Invoke[Text](context.Background(), pool, "Keep", textOf("a"))
	wantErr(t, "a base that is freed", err, event.ErrFreed)
}
