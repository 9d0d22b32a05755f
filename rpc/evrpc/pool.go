package evrpc

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A PoolConfig is how a pool is to be. Its zero value stands for the defaults. Every setting
// can be changed later by the method that bears its name.
type PoolConfig struct {
	// Timeout limits how long a call may take, from when it is started. Zero and less
	// stand for no limit, which is the default; those of the connections count anyway:
	// see [Pool.AddConn].
	Timeout time.Duration
	// MaxReplySize limits replies, in bytes: more is StatusBadPayload. The default is
	// DefaultMaxReplySize, a negative number stands for no limit.
	MaxReplySize int64
	// MaxWaiting limits how many calls may wait for a connection. The default is
	// DefaultMaxWaiting, a negative number stands for no limit.
	MaxWaiting int
}

// A Pool has connections over which calls are made: each carries one at a time, and those
// that find none idle wait, in the order in which they came. It belongs to the goroutine of
// the loop of its base; [Invoke] and [Pool.Invoke] are for others (struct evrpc_pool).
type Pool struct {
	base       *event.Base
	timeout    time.Duration
	maxReply   int64
	maxWaiting int64
	hooks      hooks

	conns   []*poolConn
	idle    []*poolConn  // the last one has been used last
	waiting exchangeList // for a connection
	started exchangeList // the other calls that are under way
	unhook  func() bool  // from the freeing of the base
	freed   bool
}

// A poolConn is a connection of a pool.
type poolConn struct {
	*evhttp.ClientConn
	removed bool // from the pool, which has forgotten it but for a call that it carries
}

// NewPool makes a pool without connections; cfg may be nil. The error is ErrInvalid if there
// is no base (evrpc_pool_new).
func NewPool(base *event.Base, cfg *PoolConfig) (*Pool, error) {
	if base == nil {
		return nil, opError("new pool", "", ErrInvalid)
	}
	if cfg == nil {
		cfg = &PoolConfig{}
	}
	p := &Pool{base: base}
	p.SetTimeout(cfg.Timeout)
	p.SetMaxReplySize(cfg.MaxReplySize)
	p.SetMaxWaiting(cfg.MaxWaiting)
	p.unhook = base.AfterFree(p.baseFreed)
	return p, nil
}

// Base returns the base.
func (p *Pool) Base() *event.Base { return p.base }

// SetTimeout sets PoolConfig.Timeout, for calls that are started from now on
// (evrpc_pool_set_timeout).
func (p *Pool) SetTimeout(d time.Duration) { p.timeout = max(d, 0) }

// Timeout returns how long a call may take, or 0.
func (p *Pool) Timeout() time.Duration { return p.timeout }

// SetMaxReplySize sets PoolConfig.MaxReplySize.
func (p *Pool) SetMaxReplySize(n int64) {
	p.maxReply = limit(n, DefaultMaxReplySize, 0)
	for _, pc := range p.conns {
		pc.SetMaxBodySize(p.maxReply)
	}
}

// SetMaxWaiting sets PoolConfig.MaxWaiting.
func (p *Pool) SetMaxWaiting(n int) { p.maxWaiting = limit(int64(n), DefaultMaxWaiting, 1<<62) }

// AddHook adds a hook behind those that there are: for requests that were encoded, or for
// replies before they are decoded. The error is ErrInvalid for a type or function that
// cannot be (evrpc_add_hook).
func (p *Pool) AddHook(t HookType, fn HookFunc) (*Hook, error) { return p.hooks.add(t, fn) }

// AddConn gives the pool a connection, which is its own from now on, and gets the limit of
// replies. It must be new. A call that waits is sent at once. The timeouts of the connection
// stay: by default an answer has 50 seconds, whatever the pool's timeout is; see
// [evhttp.ConnConfig]. The error is ErrInvalid for a connection of another base, or one that is in the
// pool already; ErrFreed after Free (evrpc_pool_add_connection).
func (p *Pool) AddConn(c *evhttp.ClientConn) error {
	const op = "add connection"
	switch {
	case c == nil || c.Base() != p.base || p.find(c) >= 0:
		return opError(op, "", ErrInvalid)
	case p.freed:
		return opError(op, "", ErrFreed)
	}
	c.SetMaxBodySize(p.maxReply)
	pc := &poolConn{ClientConn: c}
	p.conns = append(p.conns, pc)
	p.idle = append(p.idle, pc)
	p.schedule()
	return nil
}

// AddConns gives the pool n new connections to an address as [evhttp.NewClientConnAddress]
// takes it, such as "example.com:8080" or "unix:/path"; cfg may be nil. Where cfg says nothing of
// how long an answer may take, the pool's timeout does, if it has one now. The errors are
// those of AddConn and of making connections; then none was added.
func (p *Pool) AddConns(address string, n int, cfg *evhttp.ConnConfig) error {
	if n <= 0 || p.freed {
		cause := ErrInvalid
		if p.freed {
			cause = ErrFreed
		}
		return opError("add connections to", address, cause)
	}
	own := evhttp.ConnConfig{}
	if cfg != nil {
		own = *cfg
	}
	if own.ReadTimeout == 0 && p.timeout > 0 {
		own.ReadTimeout = -1
	}
	conns := make([]*evhttp.ClientConn, n)
	for i := range conns {
		c, err := evhttp.NewClientConnAddress(p.base, address, &own)
		if err != nil {
			return fmt.Errorf("evrpc: add connections: %w", err)
		}
		conns[i] = c
	}
	for _, c := range conns {
		if err := p.AddConn(c); err != nil {
			return err
		}
	}
	return nil
}

// RemoveConn takes a connection out of the pool, and gives it to the caller. A call that it
// carries goes on. The error is ErrNotFound (evrpc_pool_remove_connection).
func (p *Pool) RemoveConn(c *evhttp.ClientConn) error {
	i := p.find(c)
	if i < 0 {
		return opError("remove connection", "", ErrNotFound)
	}
	p.remove(p.conns[i])
	return nil
}

func (p *Pool) find(c *evhttp.ClientConn) int {
	return slices.IndexFunc(p.conns, func(pc *poolConn) bool { return pc.ClientConn == c })
}

func (p *Pool) remove(pc *poolConn) {
	pc.removed = true
	p.conns = without(p.conns, pc)
	p.idle = without(p.idle, pc)
}

func without(list []*poolConn, pc *poolConn) []*poolConn {
	if i := slices.Index(list, pc); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// ConnCount returns how many connections there are.
func (p *Pool) ConnCount() int { return len(p.conns) }

// Pending returns how many calls are under way, and how many of these wait for a connection.
func (p *Pool) Pending() (all, waiting int) {
	return p.started.count + p.waiting.count, p.waiting.count
}

// schedule sends the calls that wait, as far as there are connections.
func (p *Pool) schedule() {
	for p.waiting.first != nil && len(p.idle) > 0 {
		pc := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		c := p.waiting.first.side.(*ClientCall)
		c.unlink()
		p.started.append(&c.Exchange)
		c.sendBy(pc)
	}
}

// release takes a connection back that carries no call any more.
func (p *Pool) release(pc *poolConn) {
	if !pc.removed {
		p.idle = append(p.idle, pc)
	}
}

// Free gives up all calls, whose callbacks are told, and frees the connections. In C no call
// may be under way (evrpc_pool_free).
func (p *Pool) Free() {
	if p.freed {
		return
	}
	p.unhook()
	p.close(ErrFreed)
	for _, pc := range p.conns {
		pc.Free()
	}
	p.conns = nil
}

// baseFreed is called when no loop will end the calls any more. The connections see to
// themselves.
func (p *Pool) baseFreed() { p.close(event.ErrFreed) }

// close gives up all calls.
func (p *Pool) close(cause error) {
	p.freed = true
	p.started.giveUpAll(cause)
	p.waiting.giveUpAll(cause)
	p.idle = nil
}
