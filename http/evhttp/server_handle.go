package evhttp

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/message"
)

// Handler answers a request, at once or later.
type Handler func(r *Request)

// handler is what answers a request.
type handler struct {
	fn        Handler
	stream    bool // called when the header has come, before the body
	anyMethod bool // called whatever the method is
	noHost    bool // called also without a Host field

	maxBody int64 // of the body, in place of the server's limit, or 0
}

// HandleOptions are how [Server.HandleWith] has a handler called. The zero value is that
// of Handle.
type HandleOptions struct {
	// Stream has it called before the body has come; see [Server.HandleStream].
	Stream bool
	// AllowNoHost has it called for requests of HTTP/1.1 without a Host field, too, which
	// get 400 elsewhere (RFC 9112, section 3.2). Clients of libevent's evrpc send such
	// requests. They name no virtual host, and so are for the server itself.
	AllowNoHost bool
	// MaxBodySize limits the body of requests for the path, in bytes, in place of the
	// server's limit: more is 413. Zero stands for the server's, a negative number for no
	// limit.
	MaxBodySize int64
}

// handlerOf makes fn a handler of the server's.
func (s *Server) handlerOf(fn Handler, stream bool) handler {
	anyMethod := codeOf(fn) == anyMethodCode
	s.anyMethod = s.anyMethod || anyMethod
	return handler{fn: fn, stream: stream, anyMethod: anyMethod}
}

// AllMethods returns a handler that runs fn and gets requests of every method, whether the
// server allows it or not: for those that decide about methods themselves, as handlers of
// net/http do. A server that has one answers "OPTIONS *" as net/http does; see
// [Server.DisableGeneralOptionsHandler]. Servers recognise the result itself: called by
// another function it is an ordinary handler.
func AllMethods(fn Handler) Handler { return methodAgnostic{fn}.handle }

// A methodAgnostic is what AllMethods returns the method of. Functions cannot be compared,
// but all such method values have the same code.
type methodAgnostic struct{ fn Handler }

func (m methodAgnostic) handle(r *Request) { m.fn(r) }

var anyMethodCode = codeOf(AllMethods(nil))

func codeOf(fn Handler) uintptr { return reflect.ValueOf(fn).Pointer() }

// Handle has requests for a path answered by fn. The path is as it is after
// decoding, without the query. The error is ErrTaken if there is a handler already
// (evhttp_set_cb).
func (s *Server) Handle(path string, fn Handler) error {
	return s.handle(path, s.handlerOf(fn, false))
}

// HandleStream is Handle for a function that is called before the body has come.
// The function sets a chunk callback to get it, see SetChunkCallback.
func (s *Server) HandleStream(path string, fn Handler) error {
	return s.handle(path, s.handlerOf(fn, true))
}

// HandleWith is Handle with options.
func (s *Server) HandleWith(path string, fn Handler, o HandleOptions) error {
	h := s.handlerOf(fn, o.Stream)
	h.noHost, h.maxBody = o.AllowNoHost, o.MaxBodySize
	if err := s.handle(path, h); err != nil {
		return err
	}
	s.hostOptional = s.hostOptional || o.AllowNoHost
	return nil
}

func (s *Server) handle(path string, h handler) error {
	if _, taken := s.exact[path]; taken {
		return fmt.Errorf("evhttp: handle %s: %w", path, ErrTaken)
	}
	s.exact[path] = h
	return nil
}

// Unhandle undoes Handle. The error is ErrNotFound if there is nothing to undo
// (evhttp_del_cb).
func (s *Server) Unhandle(path string) error {
	if _, taken := s.exact[path]; !taken {
		return fmt.Errorf("evhttp: unhandle %s: %w", path, ErrNotFound)
	}
	delete(s.exact, path)
	return nil
}

// HandlePattern has requests that match a pattern answered by fn, unless there is
// a Handle for the very path. Patterns are written like those of net/http's ServeMux:
//
//	/index.html           that path
//	/static/              that path and all below it
//	/{$}                  the path "/" only
//	/items/{id}           any one segment, which is not empty
//	/files/{path...}      all of the rest, slashes too
//	GET /items/{id}       only that method; GET is good for HEAD, too
//	example.com/          only that host
//
// Of the patterns that match a request, the most specific one counts, whatever the
// order in which they were added: one with a host before one without, one with fewer
// requests that match before one with more. Segments are compared decoded, so that an
// escaped slash is a part of its segment; what opens files must check segments "."
// and "..". The wildcards' values are the request's PathValue.
//
// The error is ErrPattern if the pattern is not well formed, and ErrConflict if there
// is another one and neither is more specific.
func (s *Server) HandlePattern(pattern string, fn Handler) error {
	return s.routes.Handle(pattern, s.handlerOf(fn, false))
}

// HandlePatternStream is HandlePattern with what HandleStream does.
func (s *Server) HandlePatternStream(pattern string, fn Handler) error {
	return s.routes.Handle(pattern, s.handlerOf(fn, true))
}

// UnhandlePattern undoes HandlePattern. The error is ErrNotFound.
func (s *Server) UnhandlePattern(pattern string) error {
	if !s.routes.Remove(pattern) {
		return fmt.Errorf("evhttp: unhandle pattern %s: %w", pattern, ErrNotFound)
	}
	return nil
}

// SetGenericCallback has all requests answered by fn that no other handler matches;
// nil stands for 404 (evhttp_set_gencb).
func (s *Server) SetGenericCallback(fn Handler) { s.generic = s.handlerOf(fn, false) }

// SetGenericStream is SetGenericCallback with what HandleStream does.
func (s *Server) SetGenericStream(fn Handler) { s.generic = s.handlerOf(fn, true) }

// AddVirtualHost has requests for the hosts that match a pattern, such as
// *.example.com, answered by what v has for them; v needs to listen nowhere. The
// error is ErrVirtualHost if v is one already, or contains s
// (evhttp_add_virtual_host).
func (s *Server) AddVirtualHost(pattern string, v *Server) error {
	return s.hosts.Add(pattern, &v.hosts)
}

// RemoveVirtualHost undoes AddVirtualHost. The error is ErrNotFound
// (evhttp_remove_virtual_host).
func (s *Server) RemoveVirtualHost(v *Server) error {
	if !s.hosts.Remove(&v.hosts) {
		return fmt.Errorf("evhttp: remove virtual host: %w", ErrNotFound)
	}
	return nil
}

// AddAlias gives a server, a virtual host or the one that contains it, an exact
// name (evhttp_add_server_alias).
func (s *Server) AddAlias(name string) { s.hosts.AddAlias(name) }

// RemoveAlias undoes AddAlias. The error is ErrNotFound
// (evhttp_remove_server_alias).
func (s *Server) RemoveAlias(name string) error {
	if !s.hosts.RemoveAlias(name) {
		return fmt.Errorf("evhttp: remove alias %s: %w", name, ErrNotFound)
	}
	return nil
}

// route selects the handler of a request, or returns the status code of an error.
func (s *Server) route(r *Request) int {
	host := withoutPort(r.asked.Host())
	s, _ = s.hosts.Find(host)
	path := pathOf(r)
	h, ok := s.exactly(path)
	if !ok && s.routes.Len() > 0 {
		h, ok = s.pattern(r, host, path)
	}
	switch {
	case r.method == MethodOptions && s.answersOptions(r):
		r.handler = handler{fn: answerOptions, stream: true, anyMethod: true}
	case ok:
		r.handler = h
	case s.generic.fn != nil:
		r.handler = s.generic
	default:
		return s.noHandler(r, host, path)
	}
	return 0
}

// exactly selects the handler of a path.
func (s *Server) exactly(path []byte) (handler, bool) {
	if bytes.IndexByte(path, '%') >= 0 {
		s.path = evuri.AppendDecode(s.path[:0], path, false)
		path = s.path
	}
	h, ok := s.exact[string(path)]
	return h, ok
}

// takesNoHost reports whether a request may do without a Host field, because its handler
// can.
func (s *Server) takesNoHost(r *Request) bool {
	s, _ = s.hosts.Find(withoutPort(r.asked.Host()))
	h, ok := s.exactly(pathOf(r))
	return ok && h.noHost
}

// pattern selects the handler by the patterns.
func (s *Server) pattern(r *Request, host, path []byte) (handler, bool) {
	method := r.asked.Method()
	h, ok := s.routes.Lookup(&r.match, method, host, path)
	switch {
	case ok && !r.match.EndsInRest():
	case s.routes.WantsSlash(&r.match, method, host, path):
		h, ok = handler{fn: addSlash}, true
	default:
		h, ok = s.routes.Lookup(&r.match, method, host, path)
	}
	if ok && r.match.Method() != "" {
		h.anyMethod = true // this one
	}
	return h, ok
}

// answersOptions reports whether a request with OPTIONS is about the server as a
// whole and answered as by net/http.
func (s *Server) answersOptions(r *Request) bool {
	return s.anyMethod && !s.cfg.NoGeneralOptions && r.asked.Form == message.AsteriskForm
}

// answerOptions says that the server is there (RFC 9110, section 9.3.7).
func answerOptions(r *Request) {
	r.bare = true
	if r.SendReply(http.StatusOK, "", nil) != nil {
		r.Cancel()
	}
}

// noHandler returns the status code for a request without a handler.
func (s *Server) noHandler(r *Request, host, path []byte) int {
	if s.routes.Len() == 0 {
		return http.StatusNotFound
	}
	allowed := s.routes.Allowed(host, path)
	if len(allowed) == 0 {
		return http.StatusNotFound
	}
	_ = r.header.Set("Allow", strings.Join(allowed, ", ")) // a field that is valid
	return http.StatusMethodNotAllowed
}

// addSlash is the handler of a path that only has one with a slash at its end.
func addSlash(r *Request) { _ = r.SendSlashRedirect() } // fails only when the request is over

// SendSlashRedirect answers with 301 and the path with a slash at its end, as is
// right for a folder that was asked for without. The location is relative, so that
// nothing that a client can put in front of it matters. The errors are those of
// SendReply.
func (r *Request) SendSlashRedirect() error {
	path, query, found := strings.Cut(string(r.asked.Path()), "?")
	target := "./" + path[strings.LastIndexByte(path, '/')+1:] + "/"
	if found {
		target += "?" + query
	}
	if r.header.Set("Location", target) != nil {
		return r.SendError(http.StatusBadRequest, "")
	}
	return r.SendError(http.StatusMovedPermanently, "")
}

// pathOf returns the path of a request, without the query.
func pathOf(r *Request) []byte {
	if r.asked == nil {
		return nil
	}
	path := r.asked.Path()
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	if len(path) == 0 && r.asked.Form == message.AbsoluteForm {
		return slash
	}
	return path
}

var slash = []byte("/")

// withoutPort cuts the port off a host that is valid.
func withoutPort(host []byte) []byte {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return host[:i]
		}
	}
	return host
}

// find selects the handler of a request, or returns the status code to refuse it with.
func (s *Server) find(r *Request) int {
	code := s.route(r)
	if r.method&s.cfg.AllowedMethods == 0 && s.cfg.AllowedMethods != AnyMethod && !r.handler.anyMethod {
		code = s.disallow(r, code)
	}
	if code == 0 && r.asked.Expect == message.ExpectOther {
		code = http.StatusExpectationFailed
	}
	return code
}

// disallow turns a request away whose method is not allowed, and which route has
// answered with code.
func (s *Server) disallow(r *Request, code int) int {
	r.handler = handler{}
	switch {
	case r.method == 0:
		r.header.Remove("Allow")
		return http.StatusNotImplemented
	case code != http.StatusMethodNotAllowed: // otherwise Allow is that of the resource
		_ = r.header.Set("Allow", s.allowedNames()) // a field that is valid
	}
	return http.StatusMethodNotAllowed
}
