package bufferevent

import "github.com/go-libevent/libevent/core/event"

// Attach gives the bufferevent to the transport above it, which gets a reference
// and the callbacks, until Detach. The user's callbacks are gone.
func (c *Control) Attach(above Transport, read, write DataCallback, onEvent EventCallback) {
	b := c.Bufferevent()
	b.refs++
	b.callbacks = callbacks{read, write, onEvent}
	b.extra().above = above
}

// Detach gives up what Attach has given, takes back what Suspend has asked for,
// or, with free, frees the bufferevent. If the user has set other callbacks
// meanwhile, those stay; if he has freed it, that is its end. A transport calls
// it in Unlink; it needs neither lock nor reference.
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
	switch {
	case b.freed:
	case free:
		b.freed = true
		b.callbacks = callbacks{}
		b.refs--
	default:
		c.Resume(event.Read)
		c.Resume(event.Write)
	}
	b.end()
}

// BeginAnew forgets how the stream has ended or failed, as SetFD begins another
// one.
func (c *Control) BeginAnew() { c.Bufferevent().beginAnew() }

// Cork makes additions to the output unnoticed until Uncork, which tells how many
// bytes were added: for a transport above that adds in several pieces, or wants to
// know how much there is before some of it goes on.
func (c *Control) Cork() {
	x := c.Bufferevent().extra()
	x.corked, x.corkedAt = true, c.output.Len()
}

// Uncork undoes Cork.
func (c *Control) Uncork() (added int) {
	b := c.Bufferevent()
	b.extras.corked = false
	added = b.output.Len() - b.extras.corkedAt
	if added > 0 && c.Wants(event.Write) {
		b.transport.OutputAdded()
	}
	return added
}

func (b *Bufferevent) corked() bool { return b.extras != nil && b.extras.corked }
