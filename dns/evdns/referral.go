package evdns

// askAnother sends r to another nameserver, instead of one that has only referred it, as
// glibc does, and reports whether there is one.
func (b *Base) askAnother(r *Request) bool {
	if r.probe {
		return false
	}
	r.ruleOut(r.server)
	next := b.pick(r)
	if next == nil || !next.up {
		return false
	}
	r.server.works(r)
	b.leave(r)
	b.transmit(r, next)
	return true
}
