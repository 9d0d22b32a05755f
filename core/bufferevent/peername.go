package bufferevent

// NamePeer gives the name of the host that the bufferevent is connected to, or is
// going to be, to the lowest PeerNamer: of the transports from the bufferevent down to
// the socket, or else the one above that. If there is none, or it does not take the
// name, one that is put over the bufferevent later finds it with PeerName. Callers are
// those that have looked the host up by themselves, or connect through a proxy.
func (b *Bufferevent) NamePeer(host string) {
	if !b.begin() {
		return
	}
	defer b.end()
	if !b.namePeer(host) {
		b.rareFields().peerName = host
	}
}

// PeerName returns the name that NamePeer was called with, if no transport has taken
// it. It is not the name that ConnectHostname was called with: what is put over an
// existing connection may be about another host, behind a proxy.
func (b *Bufferevent) PeerName() string {
	b.lock()
	defer b.unlock()
	if b.rare == nil {
		return ""
	}
	return b.rare.peerName
}

// namePeer reports whether a transport has taken the name.
func (b *Bufferevent) namePeer(host string) bool {
	var lowest PeerNamer
	bottom := b
	for ; b != nil; b = b.wrapped() {
		if n, ok := b.transport.(PeerNamer); ok {
			lowest = n
		}
		bottom = b
	}
	if x := bottom.rare; lowest == nil && x != nil && x.above != nil {
		lowest, _ = x.above.(PeerNamer)
	}
	return lowest != nil && lowest.NamePeer(host)
}
