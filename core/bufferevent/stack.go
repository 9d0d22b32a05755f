package bufferevent

// A Negotiator is a transport that agrees with its peer on what is spoken over
// it, as TLS does by ALPN.
type Negotiator interface {
	NegotiatedProtocol() string
}

// NegotiatedProtocol returns the name of the protocol that this bufferevent, or
// one that it stands on, has agreed on with its peer, such as "h2"; it is empty
// if there is none, or none yet. It lets other packages look for that without
// knowing what kind of bufferevent they have been given.
func (b *Bufferevent) NegotiatedProtocol() string {
	b.lock()
	defer b.unlock()
	for below := b; below != nil; below = below.wrapped() {
		if n, ok := below.transport.(Negotiator); ok {
			return n.NegotiatedProtocol()
		}
	}
	return ""
}

// Connected reports whether there is somebody to talk to: a socket has a
// descriptor, and is not being connected. Other bufferevents are as connected as
// what they stand on, if that is anything.
func (b *Bufferevent) Connected() bool {
	b.lock()
	defer b.unlock()
	if b.refs == 0 {
		return false
	}
	s, err := b.bottom()
	return err != nil || s.FD() >= 0 && s.connecting == nil
}

// Transport returns the transport, for packages that look for one of theirs.
func (c *Control) Transport() Transport { return c.transport }

// Options returns the options that the bufferevent was made with.
func (c *Control) Options() Options { return c.options }
