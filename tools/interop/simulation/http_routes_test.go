package simulation_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpRoute is a place where a server may have a handler: a path, or a pattern.
type httpRoute struct {
	exact   string // or nothing, if there is a pattern
	pattern string
	method  string // of the pattern, or nothing
	host    string // the same
	path    string // the same
	any     bool   // the handler gets requests of every method
}

// httpRoutes are all there are, in the order in which they count where several match.
var httpRoutes = makeHTTPRoutes([]httpRoute{
	{exact: "/exact"},
	{exact: "/with space"},
	{exact: "/items/exact"},
	{exact: "/any", any: true},
	{pattern: "www.site.test/items/{id}"},
	{pattern: "/items/special"},
	{pattern: "/items/{id}"},
	{pattern: "GET /read/{id}"},
	{pattern: "POST /read/{id}"},
	{pattern: "DELETE /read/{id}/part"},
	{pattern: "PATCH /patch"},
	{pattern: "/static/deep/{$}"},
	{pattern: "/static/"},
	{pattern: "/files/{id...}"},
})

func makeHTTPRoutes(routes []httpRoute) []httpRoute {
	for i := range routes {
		r := &routes[i]
		rest := r.pattern
		if method, after, ok := strings.Cut(rest, " "); ok {
			r.method, rest = method, after
		}
		if at := strings.IndexByte(rest, '/'); at > 0 {
			r.host, rest = rest[:at], rest[at:]
		}
		r.path = rest
	}
	return routes
}

// httpPaths are the paths that are asked for.
var httpPaths = []string{"/exact", "/ex%61ct", "/with%20space", "/items/exact", "/any", "/items/special", "/items/7",
	"/items/a%2Fb", "/items/", "/items/7/8", "/read/1", "/read/1/part", "/patch", "/static/deep/", "/static/deep", "/static",
	"/static/a/b", "/static/", "/files/a/b%20c", "/files/", "/nowhere", "/", "/Exact"}

// match reports whether a pattern matches a host and a path, whatever the method is, what
// its wildcard stands for, and whether the path is one of many below that of the pattern.
func (r *httpRoute) match(host, path string) (value string, below, ok bool) {
	if r.path == "" || r.host != "" && !strings.EqualFold(r.host, host) {
		return "", false, false
	}
	want, have := strings.Split(r.path[1:], "/"), strings.Split(path[1:], "/")
	for i, segment := range want {
		if i >= len(have) {
			return "", false, false
		}
		rest, err := url.PathUnescape(strings.Join(have[i:], "/"))
		if err != nil {
			return "", false, false
		}
		one, _ := url.PathUnescape(have[i]) // as above
		switch {
		case segment == "{$}":
			return value, false, len(have) == i+1 && one == ""
		case segment == "" || strings.HasSuffix(segment, "...}"): // the last one
			if segment != "" {
				value = rest
			}
			return value, true, true
		case strings.HasPrefix(segment, "{"):
			if value = one; one == "" {
				return "", false, false
			}
		case segment != one:
			return "", false, false
		}
	}
	return value, false, len(have) == len(want)
}

// takes reports whether the pattern is for a method.
func (r *httpRoute) takes(method string) bool {
	return r.method == "" || r.method == method || r.method == "GET" && method == "HEAD"
}

// An httpTable is what a server has handlers for.
type httpTable struct {
	server  *evhttp.Server
	on      []bool // which routes there are
	stream  []bool // whose handlers are called before the body has come
	generic bool
	asked   bool // there has been a handler for every method
}

// An httpFound is what a table says of a request.
type httpFound struct {
	route   *httpRoute // or nil
	stream  bool
	value   string // of the wildcard
	code    int    // of the answer, if there is no handler
	allowed []string
	every   bool // the handler takes methods that the server does not allow
}

// find finds the handler of a request.
func (t *httpTable) find(method, host, path string) httpFound {
	decoded, _ := url.PathUnescape(path) // paths that are valid
	if method == "OPTIONS" && path == "*" && t.asked {
		return httpFound{code: http.StatusOK, every: true}
	}
	if !strings.HasPrefix(path, "/") {
		return t.otherwise(nil)
	}
	var found *httpFound
	var allowed []string
	for i := range httpRoutes {
		r := &httpRoutes[i]
		if !t.on[i] {
			continue
		}
		if r.exact != "" && r.exact == decoded {
			return httpFound{route: r, stream: t.stream[i], every: r.any}
		}
		value, below, ok := r.match(host, path)
		if !ok {
			continue
		}
		if !r.takes(method) {
			allowed = append(allowed, r.method)
			continue
		}
		found = &httpFound{route: r, stream: t.stream[i], value: value, every: r.method != ""}
		if !below {
			return *found
		}
		break
	}
	if t.wantsSlash(method, host, path) {
		return httpFound{code: http.StatusMovedPermanently}
	}
	if found != nil {
		return *found
	}
	return t.otherwise(allowed)
}

// otherwise is what there is without a handler of its own.
func (t *httpTable) otherwise(allowed []string) httpFound {
	switch {
	case t.generic:
		return httpFound{route: &httpGeneric}
	case len(allowed) > 0:
		return httpFound{code: http.StatusMethodNotAllowed, allowed: allowed}
	}
	return httpFound{code: http.StatusNotFound}
}

// httpGeneric is the route of everything else.
var httpGeneric = httpRoute{exact: "generic"}

// wantsSlash reports whether there is a handler for the path with a slash behind it, and for
// that path itself rather than all below something.
func (t *httpTable) wantsSlash(method, host, path string) bool {
	if strings.HasSuffix(path, "/") {
		return false
	}
	for i := range httpRoutes {
		r := &httpRoutes[i]
		if !t.on[i] || !r.takes(method) {
			continue
		}
		if _, below, ok := r.match(host, path+"/"); ok && (!below || r.path == path+"/") {
			return true
		}
	}
	return false
}

// toggle adds a handler, or removes one, and tries what cannot be.
func (t *httpTable) toggle(i int, stream bool, handler func(r *httpRoute) evhttp.Handler) error {
	r := &httpRoutes[i]
	add, remove := t.server.HandlePattern, t.server.UnhandlePattern
	name, taken := r.pattern, evhttp.ErrConflict
	if stream {
		add = t.server.HandlePatternStream
	}
	if r.exact != "" {
		add, remove, name, taken = t.server.Handle, t.server.Unhandle, r.exact, evhttp.ErrTaken
		if stream {
			add = t.server.HandleStream
		}
	}
	fn := handler(r)
	if r.any {
		fn = evhttp.AllMethods(fn)
	}
	t.asked = t.asked || r.any
	var first, second error
	if t.on[i] {
		if second = add(name, fn); errors.Is(second, taken) {
			second = nil
		}
		first = remove(name)
	} else {
		if second = remove(name); errors.Is(second, evhttp.ErrNotFound) {
			second = nil
		}
		first = add(name, fn)
		t.stream[i] = stream
	}
	t.on[i] = !t.on[i]
	return errors.Join(first, second)
}

// newHTTPTable makes the table of a server that has no handlers.
func newHTTPTable(s *evhttp.Server) *httpTable {
	return &httpTable{server: s, on: make([]bool, len(httpRoutes)), stream: make([]bool, len(httpRoutes))}
}

// sameMethods reports whether a field Allow has these methods; GET stands for HEAD, too.
func sameMethods(field string, want []string) bool {
	if slices.Contains(want, "GET") && !slices.Contains(want, "HEAD") {
		want = append(slices.Clone(want), "HEAD")
	}
	have := strings.Split(field, ", ")
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(have, slices.Compact(want))
}
