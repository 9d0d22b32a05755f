package simulation_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpSite is a program with a server of many settings and hosts, whose handlers come and
// go while requests are under way.
type httpSite struct {
	m       *httpModel
	host    *evtest.Host
	base    *event.Base
	server  *evhttp.Server
	cfg     evhttp.ServerConfig
	client  *evtest.Host
	tables  [2]*httpTable // of the server, and of its virtual host
	hosted  bool          // there is the virtual host
	alias   bool          // and it has another name
	brews   bool          // BREW is a method
	limited evhttp.Limits
	visits  []*httpVisit
	kept    []*evhttp.Request // that the handlers own
	ended   bool
}

const (
	methodBrew    = evhttp.MethodMax << 1
	httpPageField = "X-Page"
	httpRouteName = "X-Route"
	httpSiteType  = "text/site"
	httpAlias     = "alias.test"
)

// httpHosts are the hosts that are asked for.
var httpHosts = []string{"site.test", "www.site.test", "a.virtual.test", "b.virtual.test", httpAlias}

// draw draws the settings.
func (s *httpSite) draw() {
	m := s.m
	s.cfg = *m.serverConfig()
	s.limited = evhttp.Limits{Line: 16 << 10, Header: 64 << 10, Fields: 256}
	if m.chance(0.5) {
		s.cfg.Limits = evhttp.Limits{Line: 200 + m.rand.IntN(300), Header: 400 + m.rand.IntN(1000), Fields: 12 + m.rand.IntN(20)}
		s.limited = s.cfg.Limits
	}
	if m.chance(0.5) {
		s.cfg.MaxBodySize = 1 + m.rand.Int64N(5000)
	}
	if m.chance(0.5) {
		s.cfg.AllowedMethods = evhttp.DefaultMethods &^ evhttp.MethodDelete
		s.cfg.AllowedMethods |= []evhttp.Method{0, evhttp.MethodPatch, evhttp.MethodOptions, methodBrew}[m.rand.IntN(4)]
	} else {
		s.cfg.AllowedMethods = evhttp.DefaultMethods
	}
	s.cfg.ContentType = []string{evhttp.DefaultContentType, httpSiteType, evhttp.NoContentType}[m.rand.IntN(3)]
	s.brews = m.chance(0.5)
	s.cfg.OnRequest = s.asked
	if m.chance(0.7) {
		s.cfg.OnError = s.page
	}
}

// start makes the server, with its settings or by its setters.
func (s *httpSite) start() {
	s.base = s.host.Base()
	cfg, logged := s.cfg, s.m.chance(0.8)
	if s.m.chance(0.5) {
		cfg = evhttp.ServerConfig{}
	}
	server, err := evhttp.NewServerWithConfig(s.base, &cfg)
	if err != nil {
		s.m.w.Failf("%v", err)
		return
	}
	s.server = server
	if cfg.OnRequest == nil {
		s.set()
	}
	if s.m.unlogged = !logged; logged {
		server.SetAccessLog((*httpSiteLog)(s))
	}
	s.tables = [2]*httpTable{newHTTPTable(server), newHTTPTable(evhttp.NewServer(s.base))}
	if s.brews {
		err = errors.Join(err, server.AddMethod("BREW", methodBrew))
		if again := server.AddMethod("BREW", methodBrew<<1); !errors.Is(again, evhttp.ErrTaken) {
			s.m.w.Failf("a method that is taken: %v", again)
		}
	}
	for range 15 {
		s.change()
	}
	if err != nil {
		s.m.w.Failf("%v", err)
	}
	s.listen()
	s.turn()
}

// set sets everything by the setters.
func (s *httpSite) set() {
	server, cfg := s.server, s.cfg
	server.SetTimeouts(cfg.Timeouts)
	server.SetLimits(cfg.Limits)
	if cfg.Limits.Header > 0 {
		server.SetMaxHeadersSize(cfg.Limits.Header)
	}
	server.SetMaxBodySize(cfg.MaxBodySize)
	server.SetMaxRequests(cfg.MaxRequests)
	server.SetMaxConnections(cfg.MaxConnections)
	server.SetStreamFunc(nil)
	server.SetAllowedMethods(cfg.AllowedMethods)
	server.SetNewRequestCallback(cfg.OnRequest)
	server.SetErrorCallback(cfg.OnError)
	if err := errors.Join(server.SetFlags(cfg.Flags), server.SetDefaultContentType(cfg.ContentType)); err != nil {
		s.m.w.Failf("%v", err)
	}
	if server.Timeouts().MinBodyRate != cfg.Timeouts.MinBodyRate {
		s.m.w.Failf("the timeouts are %+v", server.Timeouts())
	}
}

// listen tries again where a descriptor is not to be had.
func (s *httpSite) listen() {
	if s.ended {
		return
	}
	bound, err := s.server.Listen(s.host.AddrPort(httpPort).String())
	switch {
	case err == nil:
		if bound.AddrPort() != s.host.AddrPort(httpPort) || bound.FD() != bound.Listener().FD() {
			s.m.w.Failf("it listens at %v", bound.AddrPort())
		}
		return
	case !s.m.harsh:
		s.m.w.Failf("listen: %v", err)
	}
	httpAfter(s.base, httpLeastTimeout/5, s.listen)
}

// turn changes something now and then.
func (s *httpSite) turn() {
	if s.ended {
		return
	}
	s.change()
	httpAfter(s.base, s.m.upTo(time.Second), s.turn)
}

// change changes a route, or the hosts.
func (s *httpSite) change() {
	m := s.m
	t := s.tables[m.rand.IntN(2)]
	var err error
	switch m.rand.IntN(12) {
	case 0:
		if t.generic = !t.generic; t.generic {
			t.server.SetGenericCallback(s.handler(&httpGeneric))
		} else {
			t.server.SetGenericCallback(nil)
		}
	case 1:
		err = s.changeHost()
	case 2:
		if s.alias = !s.alias; s.alias {
			s.tables[1].server.AddAlias(httpAlias)
		} else {
			err = s.tables[1].server.RemoveAlias(strings.ToUpper(httpAlias))
		}
	default:
		err = t.toggle(m.rand.IntN(len(httpRoutes)), m.chance(0.4), s.handler)
	}
	if err != nil {
		m.w.Failf("a change: %v", err)
	}
}

// changeHost adds the virtual host, or removes it.
func (s *httpSite) changeHost() error {
	virtual := s.tables[1].server
	if s.hosted = !s.hosted; !s.hosted {
		return s.server.RemoveVirtualHost(virtual)
	}
	if err := s.server.RemoveVirtualHost(virtual); !errors.Is(err, evhttp.ErrNotFound) {
		return errors.Join(errors.New("a host that is not there was removed"), err)
	}
	err := s.server.AddVirtualHost("*.virtual.test", virtual)
	if again := s.server.AddVirtualHost("*.other.test", virtual); !errors.Is(again, evhttp.ErrVirtualHost) {
		return errors.Join(errors.New("a virtual host is one twice"), again)
	}
	return err
}

// table returns the table for a host.
func (s *httpSite) table(host string) *httpTable {
	host = strings.ToLower(host)
	if s.hosted && (strings.HasSuffix(host, ".virtual.test") || s.alias && host == httpAlias) {
		return s.tables[1]
	}
	return s.tables[0]
}

// visit returns the one that a request belongs to.
func (s *httpSite) visit(r *evhttp.Request) *httpVisit {
	query, err := r.Query()
	id, numberErr := strconv.Atoi(query.Get("id"))
	if err != nil || numberErr != nil || id >= len(s.visits) {
		return nil
	}
	return s.visits[id]
}

// asked is called with each request whose header has come.
func (s *httpSite) asked(r *evhttp.Request) bool {
	v := s.visit(r)
	if v == nil {
		if r.URI() != "*" { // the one that does not say whose it is
			s.m.w.Failf("a request for %q", r.URI())
		}
		return true
	}
	v.seen++
	if v.tooLong != 0 {
		v.errorf("it is too long, and comes in")
	}
	v.expect()
	switch v.first {
	case visitAnswered:
		v.code, v.found = 299, httpFound{}
		_ = r.OutputHeaders().Set(httpRouteName, "first") // a field that is valid
		if err := r.SendReplyBytes(299, "", []byte("first")); err != nil {
			v.errorf("the first answer: %v", err)
		}
	case visitRefused:
		v.code, v.found = 0, httpFound{}
		return false
	}
	return true
}

// page makes the pages of errors.
func (s *httpSite) page(r *evhttp.Request, code int, reason string) bool {
	if code%2 == 0 {
		return false
	}
	_ = r.OutputHeaders().Set(httpPageField, strconv.Itoa(code)) // a field that is valid
	_ = r.Output().AddString(reason)                             // a buffer that is not frozen
	return true
}

// handler returns the handler of a route.
func (s *httpSite) handler(route *httpRoute) evhttp.Handler {
	return func(r *evhttp.Request) {
		v := s.visit(r)
		if v == nil {
			if route != &httpGeneric {
				s.m.w.Failf("a request for %q is handled", r.URI())
			}
			_ = r.SendReplyBytes(200, "", nil) // fails only when the request is over
			return
		}
		v.handle(r, route)
	}
}

// checkKept checks the requests that were kept, and frees them.
func (s *httpSite) checkKept() {
	for _, r := range s.kept {
		v := r.Data.(*httpVisit)
		if !r.Owned() || s.visit(r) != v || r.InputHeaders().Get("User-Agent") != httpAgent {
			v.errorf("what is kept of it has become %q", r.URI())
		}
		if err := r.SendReply(200, "", evbuffer.New()); !errors.Is(err, evhttp.ErrDone) || r.Conn() != nil {
			v.errorf("what is kept of it is answered: %v", err)
		}
		r.Free()
	}
	s.kept = nil
}

// httpRules has our client ask our server for everything there may be, or not.
func httpRules(w *evtest.World) {
	m := newHTTPModel(w)
	s := &httpSite{m: m, host: w.Host("server")}
	s.draw()
	client := m.newClient(s.host)
	names := &httpNames{model: m, base: client.host.Base(), hosts: make(map[string]netip.Addr)}
	for _, host := range httpHosts {
		names.hosts[host] = s.host.Addr()
	}
	client.cfg.Resolver, s.client = names, client.host
	conn := m.connConfig()
	conn.Flags |= evhttp.ConReadOnWriteError
	lanes, requests := w.Draw("lanes", 1, 6), w.Draw("requests", 1, 24)
	s.host.Do(s.start)
	client.host.Do(func() {
		client.start(conn, 0)
		for range lanes {
			left := (requests + lanes - 1) / lanes
			m.left += left
			var next func()
			next = func() {
				if left--; left >= 0 {
					v := s.newVisit(client, next)
					httpAfter(client.base, m.upTo(time.Second), v.send)
				}
			}
			next()
		}
	})
	m.accidents(s.host, client.host)
	w.Await("all requests to be over", func() bool { return m.left == 0 })
	w.Run(httpLeftovers)
	client.host.Do(client.free)
	m.endServer(&httpServer{model: m, host: s.host, server: s.server})
	s.host.Do(func() {
		s.ended = true
		s.checkKept()
		s.tables[1].server.Free()
	})
	w.Run(time.Second)
	for _, v := range s.visits {
		v.checkEnd()
	}
	m.awaitDescriptors(s.host, client.host)
}

// allowedMethods returns the names of the methods that the site allows.
func (s *httpSite) allowedMethods() []string {
	names := strings.Split(s.cfg.AllowedMethods.String(), ", ")
	if s.brews && s.cfg.AllowedMethods&methodBrew != 0 {
		names = append(names, "BREW")
	}
	return names
}

// known reports whether the site knows a method, and whether it allows it.
func (s *httpSite) known(method string) (known, allowed bool) {
	return method != "BREW" || s.brews, slices.Contains(s.allowedMethods(), method)
}

// mayRefuse reports whether an answer may be for the connection rather than the request.
func (s *httpSite) mayRefuse(code int) bool {
	return s.m.harsh && code == http.StatusRequestTimeout
}
