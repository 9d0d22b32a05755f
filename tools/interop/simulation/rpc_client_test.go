package simulation_test

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// An rpcClient makes calls, on several lanes at a time.
type rpcClient struct {
	model    *rpcModel
	host     *evtest.Host
	server   *evtest.Host
	base     *event.Base
	pool     *evrpc.Pool
	conns    []*evhttp.ClientConn // of the pool
	removed  []*evhttp.ClientConn
	requests *evtest.Requests
}

// start makes the pool. Only the loop of the host calls it.
func (c *rpcClient) start(conns int) {
	m := c.model
	c.base = c.host.Base()
	c.requests = c.host.Requests("calls")
	c.requests.AllowIf(isNoSystemError)
	var err error
	c.pool, err = evrpc.NewPool(c.base, &evrpc.PoolConfig{Timeout: m.timeout, MaxWaiting: m.maxWaiting})
	if err != nil {
		m.w.Failf("pool: %v", err)
		return
	}
	for _, p := range []struct {
		place int
		t     evrpc.HookType
	}{{poolOutput, evrpc.OutputHook}, {poolInput, evrpc.InputHook}} {
		if _, err := c.pool.AddHook(p.t, c.hook(p.place)); err != nil {
			m.w.Failf("hook: %v", err)
		}
	}
	for range conns {
		c.addConn()
	}
}

// addConn adds a connection to the pool.
func (c *rpcClient) addConn() {
	cfg := evhttp.ConnConfig{ConnectTimeout: httpForever, ReadTimeout: httpForever, WriteTimeout: httpForever}
	conn, err := evhttp.NewClientConnAddress(c.base, c.server.AddrPort(httpPort).String(), &cfg)
	if err == nil {
		err = c.pool.AddConn(conn)
	}
	if err != nil && !(c.model.poolGone && errors.Is(err, evrpc.ErrFreed)) {
		c.model.w.Failf("connection: %v", err)
		return
	}
	c.conns = append(c.conns, conn)
}

// hook returns the hook of a place of the pool.
func (c *rpcClient) hook(place int) evrpc.HookFunc {
	return func(x *evrpc.Exchange, _ *evbuffer.Buffer) evrpc.HookResult {
		call := x.Data.(*rpcCall)
		if place == poolOutput {
			_ = x.HTTP().OutputHeaders().Add(rpcID, strconv.Itoa(call.id)) // a field that is valid
		}
		return call.hook(c.base, place, x)
	}
}

// An rpcLane makes one call after the other.
type rpcLane struct {
	client *rpcClient
	left   int
	call   *evrpc.ClientCall // that is used again, or nil
	plan   *rpcCall
}

// next makes the next call.
func (l *rpcLane) next() {
	m := l.client.model
	if l.left == 0 {
		return
	}
	l.left--
	l.plan = m.draw()
	if m.chance(0.3) {
		httpAfter(l.client.base, m.upTo(2*time.Second), l.make)
		return
	}
	l.make()
}

// make starts the call that is planned.
func (l *rpcLane) make() {
	c, plan := l.client, l.plan
	request := &rpcMessage{plan.id, plan.askSeed(), plan.ask, true}
	if l.call == nil {
		call, err := c.pool.NewCall("Echo", request, new(rpcMessage), nil)
		if err != nil {
			plan.errorf("new call: %v", err)
			return
		}
		l.call = call
	}
	*l.call.Request().(*rpcMessage) = *request
	call := l.call
	call.Data = plan
	call.SetCallback(func(call *evrpc.ClientCall) { l.ended(call, plan, call.Err()) })
	plan.began = c.model.w.Now()
	plan.request = c.requests.Begin("a call")
	c.model.w.Note("start %v", plan)
	if err := call.Start(); err != nil {
		l.ended(call, plan, err)
		return
	}
	if plan.over > 0 {
		plan.errorf("is over when Start has returned")
	}
	if plan.cancel > 0 {
		httpAfter(c.base, plan.cancel, func() {
			if plan.over == 0 {
				plan.cancelled = true
				call.Cancel()
			}
		})
	}
}

// ended is called when a call is over.
func (l *rpcLane) ended(call *evrpc.ClientCall, plan *rpcCall, err error) {
	if call.UnderWay() {
		plan.errorf("is under way")
	}
	plan.ended(call.Reply().(*rpcMessage), err)
	if plan.hooks[poolOutput].pause || plan.hooks[poolInput].pause {
		l.call = nil // the timer of the pause may be about to resume it
	}
	if err != nil && l.client.model.poolGone || errors.Is(err, evrpc.ErrNoConnection) || errors.Is(err, evrpc.ErrTooMany) {
		httpAfter(l.client.base, 1+l.client.model.upTo(time.Second), l.next)
		return
	}
	l.next()
}

// meddle does something to the pool or its connections.
func (c *rpcClient) meddle() {
	m := c.model
	switch kind := m.rand.IntN(8); {
	case kind < 2 && len(c.conns) > 0:
		m.connsGone = true
		c.takeConn().Free()
	case kind < 4 && len(c.conns) > 0:
		m.connsGone = true
		conn := c.takeConn()
		if err := c.pool.RemoveConn(conn); err != nil && !m.poolGone && !errors.Is(err, evrpc.ErrNotFound) {
			m.w.Failf("remove: %v", err)
		}
		c.removed = append(c.removed, conn)
	case kind == 7 && m.chance(0.3):
		m.poolGone = true
		c.pool.Free()
		if all, _ := c.pool.Pending(); all > 0 {
			m.w.Failf("%d calls are under way by a pool that was freed", all)
		}
	default:
		c.addConn()
	}
}

// takeConn takes a connection out of those that are known. Another one takes its place after
// a while, so that calls do not wait for ever.
func (c *rpcClient) takeConn() *evhttp.ClientConn {
	i := c.model.rand.IntN(len(c.conns))
	conn := c.conns[i]
	c.conns = slices.Delete(c.conns, i, i+1)
	httpAfter(c.base, c.model.upTo(10*time.Second), c.addConn)
	return conn
}

func (c *rpcClient) free() {
	if all, _ := c.pool.Pending(); all > 0 {
		c.model.w.Failf("%d calls are under way in the end", all)
	}
	c.pool.Free()
	for _, conn := range slices.Concat(c.removed, c.conns) {
		conn.Free()
	}
}
