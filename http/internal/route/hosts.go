package route

import (
	"fmt"
	"strings"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// Hosts is a server's place in a tree of servers: each has aliases, which
// are the exact names of hosts, and virtual hosts with patterns of names, which
// have aliases and virtual hosts of their own. Names are kept in lower case.
type Hosts[T any] struct {
	Server  T
	parent  *Hosts[T]
	pattern string // by which parent knows this one
	aliases map[string]bool
	hosts   []*Hosts[T] // in the order in which they were added
}

// Add makes v a virtual host for the names that match the pattern, in which "*"
// stands for any bytes, dots too, or none. The error is ErrVirtualHost.
func (h *Hosts[T]) Add(pattern string, v *Hosts[T]) error {
	if v.parent != nil {
		return fmt.Errorf("evhttp: add virtual host %q: %w: it is one already", pattern, ErrVirtualHost)
	}
	for above := h; above != nil; above = above.parent {
		if above == v {
			return fmt.Errorf("evhttp: add virtual host %q: %w: it contains the server", pattern, ErrVirtualHost)
		}
	}
	v.parent, v.pattern = h, strings.ToLower(pattern)
	h.hosts = append(h.hosts, v)
	return nil
}

// Remove makes v no virtual host of h any more, and reports whether it was one.
func (h *Hosts[T]) Remove(v *Hosts[T]) bool {
	for i, host := range h.hosts {
		if host == v {
			h.hosts = append(h.hosts[:i:i], h.hosts[i+1:]...)
			v.parent, v.pattern = nil, ""
			return true
		}
	}
	return false
}

// AddAlias adds an exact name.
func (h *Hosts[T]) AddAlias(name string) {
	if h.aliases == nil {
		h.aliases = make(map[string]bool)
	}
	h.aliases[strings.ToLower(name)] = true
}

// RemoveAlias removes a name and reports whether it was there.
func (h *Hosts[T]) RemoveAlias(name string) bool {
	name = strings.ToLower(name)
	known := h.aliases[name]
	delete(h.aliases, name)
	return known
}

// Find returns the server for a host, which is without a port: the one in the
// whole tree that has it for an alias, or else the one that is reached by going,
// from h on, to the first virtual host whose pattern matches as often as one
// does. known is false if that is h itself because nothing matches. It does not
// allocate.
func (h *Hosts[T]) Find(host []byte) (server T, known bool) {
	if len(h.hosts) == 0 && len(h.aliases) == 0 {
		return h.Server, false
	}
	var memory [256]byte // room for all names that DNS allows
	name := ascii.AppendLower(memory[:0], host)
	if found := h.findAlias(name); found != nil {
		return found.Server, true
	}
	found := h
	for next := found; next != nil; next = found.findPattern(name) {
		found = next
	}
	return found.Server, found != h
}

func (h *Hosts[T]) findAlias(name []byte) *Hosts[T] {
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

func (h *Hosts[T]) findPattern(name []byte) *Hosts[T] {
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
