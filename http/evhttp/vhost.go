package evhttp

import (
	"errors"
	"fmt"
	"strings"
)

// ErrVirtualHost says that something cannot become a virtual host, because it is
// one already or contains the server it should belong to.
var ErrVirtualHost = errors.New("cannot be a virtual host")

// virtualHosts is a server's place in a tree of servers: each has aliases, which
// are the exact names of hosts, and virtual hosts with patterns of names, which
// have aliases and virtual hosts of their own. Names are kept in lower case.
type virtualHosts[T any] struct {
	server  T
	parent  *virtualHosts[T]
	pattern string // by which parent knows this one
	aliases map[string]bool
	hosts   []*virtualHosts[T] // in the order in which they were added
}

// add makes v a virtual host for the names that match the pattern, in which "*"
// stands for any bytes, dots too, or none. The error is ErrVirtualHost.
func (h *virtualHosts[T]) add(pattern string, v *virtualHosts[T]) error {
	if v.parent != nil {
		return fmt.Errorf("add virtual host %q: %w: it is one already", pattern, ErrVirtualHost)
	}
	for above := h; above != nil; above = above.parent {
		if above == v {
			return fmt.Errorf("add virtual host %q: %w: it contains the server", pattern, ErrVirtualHost)
		}
	}
	v.parent, v.pattern = h, strings.ToLower(pattern)
	h.hosts = append(h.hosts, v)
	return nil
}

// remove makes v no virtual host of h any more, and reports whether it was one.
func (h *virtualHosts[T]) remove(v *virtualHosts[T]) bool {
	for i, host := range h.hosts {
		if host == v {
			h.hosts = append(h.hosts[:i:i], h.hosts[i+1:]...)
			v.parent, v.pattern = nil, ""
			return true
		}
	}
	return false
}

// addAlias adds an exact name.
func (h *virtualHosts[T]) addAlias(name string) {
	if h.aliases == nil {
		h.aliases = make(map[string]bool)
	}
	h.aliases[strings.ToLower(name)] = true
}

// removeAlias removes a name and reports whether it was there.
func (h *virtualHosts[T]) removeAlias(name string) bool {
	name = strings.ToLower(name)
	known := h.aliases[name]
	delete(h.aliases, name)
	return known
}

// find returns the server for a host, which is without a port: the one in the
// whole tree that has it for an alias, or else the one that is reached by going,
// from h on, to the first virtual host whose pattern matches as often as one
// does. known is false if that is h itself for want of anything better. It does
// not allocate.
func (h *virtualHosts[T]) find(host []byte) (server T, known bool) {
	if len(h.hosts) == 0 && len(h.aliases) == 0 {
		return h.server, false
	}
	var memory [256]byte // room for all names that DNS allows
	name := memory[:0]
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		name = append(name, c)
	}
	if found := h.findAlias(name); found != nil {
		return found.server, true
	}
	found := h
	for next := found; next != nil; next = found.findPattern(name) {
		found = next
	}
	return found.server, found != h
}

func (h *virtualHosts[T]) findAlias(name []byte) *virtualHosts[T] {
	if h.aliases[string(name)] {
		return h
	}
	for _, v := range h.hosts {
		if found := v.findAlias(name); found != nil {
			return found
		}
	}
	return nil
}

func (h *virtualHosts[T]) findPattern(name []byte) *virtualHosts[T] {
	for _, v := range h.hosts {
		if matchGlob(v.pattern, name) {
			return v
		}
	}
	return nil
}

// matchGlob reports whether a pattern, in which "*" stands for any bytes or
// none, matches the whole name. Only the last star that was met can have to
// stand for more, so that the time is at most the product of the lengths.
func matchGlob(pattern string, name []byte) bool {
	p, n := 0, 0
	star, resume := -1, 0 // the last star, and where what it stands for ends
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			resume++
			p, n = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
