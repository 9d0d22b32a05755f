package evhttp

// A PanicFunc is called with what a callback has panicked with, while the stack is
// still that of the panic, so that [runtime/debug.Stack] shows where it was. r is
// the request that the callback was about, or nil if it was about a connection.
type PanicFunc func(r *Request, value any)

// SetPanicCallback has panics of handlers and of all other callbacks of requests
// and connections end where they are: fn is called, a request that has no answer
// yet is answered with 500, one whose answer has begun is cut off, and the
// connection is closed when that has left. Other connections are not affected. The
// error callback of the request is told ErrPanic. It covers what the server calls,
// at once or later, and not what the user has called by others, such as a timer in
// which a request is answered.
//
// Without it, which is the default, a panic passes through the loop to what runs
// it, as that of any callback, and ends the program unless it is recovered there. On
// its way the request fails with ErrPanic, and the connection is closed at once, so
// that the server is in order if the loop is run again.
func (s *Server) SetPanicCallback(fn PanicFunc) { s.cfg.OnPanic = fn }

// SetPanicCallback is [Server.SetPanicCallback] for a client's connection: a request
// one of whose callbacks panics fails with ErrPanic, and the connection is closed,
// unless the request was over already. The error is that of SetRetries. For the
// connections of a [Client] it can be called by ClientConfig's SetUp.
func (c *ClientConn) SetPanicCallback(fn PanicFunc) error {
	return c.set("panic callback", func(cfg *ConnConfig) { cfg.OnPanic = fn })
}

// guard is deferred around callbacks of the user's; returned tells whether one has
// returned. It has the role deal with a panic, or with runtime.Goexit, which cannot
// be stopped.
func (c *Conn) guard(r *Request, returned *bool) {
	if *returned {
		return
	}
	var value any
	if fn := c.role.panicFunc(); fn != nil {
		if value = recover(); value != nil {
			fn(r, value)
		}
	}
	c.role.panicked(r, value == nil)
}

// invoke calls a callback that is about a request.
func (c *Conn) invoke(r *Request, fn func(r *Request)) {
	returned := false
	defer c.guard(r, &returned)
	fn(r)
	returned = true
}

// consult is invoke for a callback that returns whether to go on.
func (c *Conn) consult(r *Request, fn func(r *Request) bool) (ok bool) {
	returned := false
	defer c.guard(r, &returned)
	ok = fn(r)
	returned = true
	return ok
}

// run is invoke for a callback that knows what it is about.
func (c *Conn) run(r *Request, fn func()) {
	returned := false
	defer c.guard(r, &returned)
	fn()
	returned = true
}

// tellClosed calls the close callback.
func (c *Conn) tellClosed(fn func(c *Conn)) {
	returned := false
	defer c.guard(nil, &returned)
	fn(c)
	returned = true
}

// tellError calls the error callback.
func (r *Request) tellError(cause error) {
	if r.conn == nil { // a request that no connection has had
		r.onError(r, cause)
		return
	}
	returned := false
	defer r.conn.guard(r, &returned)
	r.onError(r, cause)
	returned = true
}
