package bufferevent

// Attach gives the bufferevent to the transport above it, which gets a
// reference and the callbacks, until Detach.
func (c *Control) Attach(above Transport, read, write DataCallback, event EventCallback) {
	b := c.Bufferevent()
	b.refs++
	b.callbacks = callbacks{read, write, event}
	b.extra().above = above
}

// Detach gives up what Attach has taken, or frees the bufferevent altogether.
// If the user has set other callbacks meanwhile, those stay. It needs neither
// lock nor reference.
func (c *Control) Detach(above Transport, free bool) {
	b := c.Bufferevent()
	b.lock()
	if b.refs == 0 {
		b.unlock()
		return
	}
	if b.extras.above == above {
		b.extras.above = nil
		b.callbacks = callbacks{}
	}
	if free && !b.freed && b.refs > 1 {
		b.freed = true
		b.callbacks = callbacks{}
		b.refs--
	}
	b.end()
}
