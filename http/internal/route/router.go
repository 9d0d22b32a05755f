package route

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/ascii"
)

// A Router finds the value, mostly a function, that belongs to a request, by
// patterns like those of net/http's ServeMux:
//
//	/index.html           that path
//	/static/              that path and all below it
//	/{$}                  the path "/" only
//	/items/{id}           any one segment, which is not empty
//	/files/{path...}      all of the rest, slashes too
//	GET /items/{id}       only that method; GET is good for HEAD, too
//	example.com/          only that host
//
// Of the patterns that match a request, the most specific one counts,
// independent of the order in which they were added: one with a host before one
// without, one with fewer requests that match before one with more. Where neither of two is more
// specific, Handle refuses the second.
//
// The segments of a path are compared decoded, so that a slash that is escaped
// is a part of its segment. Segments "." and ".." and empty ones mean nothing
// special; what opens files must check them. Unlike ServeMux, a Router does not
// redirect; see WantsSlash.
//
// The zero value has no patterns. Lookups may run in several goroutines at once,
// each with a [Match] of its own, as long as no pattern is added or removed.
type Router[T any] struct {
	routes []*route[T]
	hosts  map[string]methods[T]
}

type route[T any] struct {
	*pattern
	value T
}

// methods has the root of a tree for each method; "" is for all others.
type methods[T any] map[string]*node[T]

// A node stands for the segments on the way to it.
type node[T any] struct {
	literals map[string]*node[T]
	wildcard *node[T]
	rest     *route[T] // if any segments may follow
	leaf     *route[T] // if none does
}

// A Match receives what was found, and keeps memory for the next lookup.
type Match struct {
	pattern *pattern
	values  [][]byte
	scratch []byte
}

// Reset makes the result of the last lookup none, and keeps the memory.
func (m *Match) Reset() { m.pattern = nil }

// Pattern returns the pattern that has matched, or nothing.
func (m *Match) Pattern() string {
	if m.pattern == nil {
		return ""
	}
	return m.pattern.text
}

// Method returns the method that the pattern wants, or nothing.
func (m *Match) Method() string {
	if m.pattern == nil {
		return ""
	}
	return m.pattern.method
}

// EndsInRest reports whether the pattern that has matched does so for paths of
// any length.
func (m *Match) EndsInRest() bool { return m.pattern != nil && m.pattern.endsInRest() }

// Value returns what a wildcard of this name stands for, decoded, or nothing.
func (m *Match) Value(name string) string {
	value, _ := m.Find(name)
	return value
}

// Find is Value, and reports whether the pattern has that wildcard.
func (m *Match) Find(name string) (value string, ok bool) {
	b, ok := m.AppendValue(nil, name)
	return string(b), ok
}

// AppendValue appends to dst what Find would return.
func (m *Match) AppendValue(dst []byte, name string) ([]byte, bool) {
	if m.pattern == nil || name == "" {
		return dst, false
	}
	for i, n := range m.pattern.names {
		if n == name {
			return evuri.AppendDecode(dst, m.values[i], false), true
		}
	}
	return dst, false
}

// Handle adds a pattern. The error is ErrPattern or ErrConflict.
func (r *Router[T]) Handle(pattern string, value T) error {
	p, err := parsePattern(pattern)
	if err != nil {
		return err
	}
	for _, old := range r.routes {
		if p.conflicts(old.pattern) {
			return fmt.Errorf("evhttp: add pattern %q: %w: there is %q", pattern, ErrConflict, old.text)
		}
	}
	added := &route[T]{p, value}
	r.routes = append(r.routes, added)
	r.insert(added)
	return nil
}

// Remove removes a pattern, written as it was added, and reports whether it was
// there.
func (r *Router[T]) Remove(pattern string) bool {
	i := slices.IndexFunc(r.routes, func(old *route[T]) bool { return old.text == pattern })
	if i < 0 {
		return false
	}
	r.routes = slices.Delete(r.routes, i, i+1)
	r.hosts = nil
	for _, left := range r.routes {
		r.insert(left)
	}
	return true
}

// Len returns the number of patterns.
func (r *Router[T]) Len() int { return len(r.routes) }

func (r *Router[T]) insert(added *route[T]) {
	if r.hosts == nil {
		r.hosts = make(map[string]methods[T])
	}
	host := r.hosts[added.host]
	if host == nil {
		host = make(methods[T])
		r.hosts[added.host] = host
	}
	n := host[added.method]
	if n == nil {
		n = new(node[T])
		host[added.method] = n
	}
	for _, s := range added.segments {
		if s.kind == restSegment {
			n.rest = added
			return
		}
		n = n.child(s)
	}
	n.leaf = added
}

// child returns the node below n for a segment, which it makes if need be.
func (n *node[T]) child(s segment) *node[T] {
	if s.kind == anySegment {
		if n.wildcard == nil {
			n.wildcard = new(node[T])
		}
		return n.wildcard
	}
	c := n.literals[s.text]
	if c == nil {
		if n.literals == nil {
			n.literals = make(map[string]*node[T])
		}
		c = new(node[T])
		n.literals[s.text] = c
	}
	return c
}

// Lookup returns the value of the pattern that matches a request best, and
// whether there is one. The host is without a port and may be empty; the path is
// as it was sent, without a query. What m has to say is valid while path does
// not change. It does not allocate.
func (r *Router[T]) Lookup(m *Match, method, host, path []byte) (value T, ok bool) {
	found := r.lookup(m, method, host, path)
	if found == nil {
		return value, false
	}
	return found.value, true
}

func (r *Router[T]) lookup(m *Match, method, host, path []byte) *route[T] {
	m.pattern = nil
	m.values = m.values[:0]
	if len(path) == 0 || path[0] != '/' {
		return nil
	}
	var found *route[T]
	if len(host) > 0 {
		found = r.named(m, host).find(m, method, path)
	}
	if found == nil {
		found = r.hosts[""].find(m, method, path)
	}
	if found != nil {
		m.pattern = found.pattern
	}
	return found
}

// named returns the trees of a host, whose name is compared case-insensitively.
func (r *Router[T]) named(m *Match, host []byte) methods[T] {
	m.scratch = ascii.AppendLower(m.scratch[:0], host)
	return r.hosts[string(m.scratch)]
}

func (ms methods[T]) find(m *Match, method, path []byte) *route[T] {
	if found := ms[string(method)].find(m, path, 1); found != nil {
		return found
	}
	if string(method) == "HEAD" {
		if found := ms["GET"].find(m, path, 1); found != nil {
			return found
		}
	}
	return ms[""].find(m, path, 1)
}

// find finds the best match for the segments of path that begin at index at or
// later. It visits no node twice, and goes no deeper than the tree.
func (n *node[T]) find(m *Match, path []byte, at int) *route[T] {
	if n == nil {
		return nil
	}
	if at > len(path) {
		return n.leaf
	}
	end := len(path)
	if i := bytes.IndexByte(path[at:], '/'); i >= 0 {
		end = at + i
	}
	if found := n.literal(m, path[at:end]).find(m, path, end+1); found != nil {
		return found
	}
	before := len(m.values)
	if end > at && n.wildcard != nil {
		m.values = append(m.values, path[at:end])
		if found := n.wildcard.find(m, path, end+1); found != nil {
			return found
		}
		m.values = m.values[:before]
	}
	if n.rest != nil {
		m.values = append(m.values, path[at:])
	}
	return n.rest
}

// literal returns the node for a segment as it is, decoded, or nil.
func (n *node[T]) literal(m *Match, s []byte) *node[T] {
	if len(n.literals) == 0 {
		return nil
	}
	if bytes.IndexByte(s, '%') >= 0 {
		m.scratch = evuri.AppendDecode(m.scratch[:0], s, false)
		s = m.scratch
	}
	return n.literals[string(s)]
}

// WantsSlash reports whether a request was meant for the path with a slash at
// its end, where ServeMux redirects it to: that matches a pattern exactly, and
// the path without the slash at best one that ends in a slash or in {name...}.
func (r *Router[T]) WantsSlash(m *Match, method, host, path []byte) bool {
	if len(path) == 0 || path[len(path)-1] == '/' {
		return false
	}
	if found := r.lookup(m, method, host, path); found != nil && !found.endsInRest() {
		return false
	}
	slashed := append(path[:len(path):len(path)], '/')
	found := r.lookup(m, method, host, slashed)
	return found != nil && len(found.segments) == bytes.Count(slashed, []byte("/"))
}

// Allowed returns the methods that have a pattern for this host and path, or for
// the path with a slash at its end, sorted, as an Allow field wants them in an
// answer to a request that has none: 405 if there are some, else 404.
func (r *Router[T]) Allowed(host, path []byte) []string {
	var m Match
	var allowed []string
	for _, known := range []methods[T]{r.named(&m, host), r.hosts[""]} {
		for name := range known { // in any order: they are sorted below
			method := []byte(name)
			if name != "" && (r.lookup(&m, method, host, path) != nil || r.WantsSlash(&m, method, host, path)) {
				allowed = append(allowed, name)
			}
		}
	}
	if slices.Contains(allowed, "GET") {
		allowed = append(allowed, "HEAD")
	}
	slices.Sort(allowed)
	return slices.Compact(allowed)
}
