package evrpc_test

import (
	"context"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// benchmarked makes a server and a pool for it, on one loop that the benchmark runs.
func benchmarked(b *testing.B, conns int) (*event.Base, *evrpc.Pool) {
	b.Helper()
	base, err := event.NewBase()
	must(b, err)
	web := evhttp.NewServer(base)
	bound, err := web.Listen("127.0.0.1:0")
	must(b, err)
	server, err := evrpc.NewServer(web, nil)
	must(b, err)
	must(b, evrpc.Register(server, "N", func(c *evrpc.Call[Optional, Optional]) {
		c.Reply().n = c.Request().n
		c.Done()
	}))
	pool, err := evrpc.NewPool(base, nil)
	must(b, err)
	must(b, pool.AddConns(bound.AddrPort().String(), conns, nil))
	b.Cleanup(func() {
		pool.Free()
		server.Free()
		web.Free()
		base.Free()
	})
	return base, pool
}

// BenchmarkCalls has both sides on one loop, and some calls under way, which are started again
// in their callbacks.
func BenchmarkCalls(b *testing.B) {
	const conns = 10
	base, pool := benchmarked(b, conns)
	left, under := b.N, 0
	again := func(c *evrpc.ClientCall) {
		if must(b, c.Err()); left == 0 {
			if under--; under == 0 {
				base.LoopBreak()
			}
			return
		}
		left--
		must(b, c.Start())
	}
	for range min(conns, b.N) {
		left--
		under++
		_, err := pool.MakeRequest("N", &Optional{7}, new(Optional), again)
		must(b, err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	must(b, base.Dispatch())
}

// BenchmarkInvoke has a goroutine wait for each call.
func BenchmarkInvoke(b *testing.B) {
	base, pool := benchmarked(b, 1)
	b.ReportAllocs()
	go func() {
		defer base.Post(base.LoopBreak)
		for range b.N {
			if _, err := evrpc.Invoke[Optional](context.Background(), pool, "N", &Optional{7}); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	must(b, base.Dispatch())
}
