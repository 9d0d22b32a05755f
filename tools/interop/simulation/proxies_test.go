package simulation_test

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
)

// TestProxies has clients reach servers through proxies: of HTTP, which read the requests
// or make tunnels, and of TCP.
func TestProxies(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Faults: httpFaults, Limit: 100 * time.Hour}, func(w *evtest.World) {
		scenarios := []func(w *evtest.World){proxiedRequests, proxiedStreams, proxiedTunnels}
		scenarios[w.Draw("scenario", 0, len(scenarios)-1)](w)
	})
}

const (
	proxyPort  = 3128
	securePort = 443
)

// A proxy is a program that sends requests on to their hosts, and makes tunnels.
type proxy struct {
	m      *httpModel
	host   *evtest.Host
	base   *event.Base
	server *evhttp.Server
	client *evhttp.Client
	names  *httpNames
	auth   string // that is asked for, or nothing
	moods  bool   // it fails now and then
	relays []*relay
}

func (p *proxy) start(cfg *evhttp.ServerConfig, client evhttp.ClientConfig, conn evhttp.ConnConfig) {
	p.base = p.host.Base()
	cfg.AllowedMethods = evhttp.AnyMethod
	client.Resolver = p.names
	client.SetUp = setUpConn(conn)
	var err error
	if p.client, err = evhttp.NewClient(p.base, &client); err != nil {
		p.m.w.Failf("%v", err)
		return
	}
	if p.server, err = evhttp.NewServerWithConfig(p.base, cfg); err != nil {
		p.m.w.Failf("%v", err)
		return
	}
	p.server.SetGenericStream(p.handle)
	p.listen()
}

// listen tries again where a descriptor is not to be had.
func (p *proxy) listen() {
	if _, err := p.server.Bind(p.host.AddrPort(proxyPort)); err != nil {
		if !p.m.harsh {
			p.m.w.Failf("listen: %v", err)
		}
		httpAfter(p.base, httpLeastTimeout/5, p.listen)
	}
}

// handle is called with each request.
func (p *proxy) handle(r *evhttp.Request) {
	if p.auth != "" && r.InputHeaders().Get("Proxy-Authorization") != p.auth {
		_ = r.OutputHeaders().Set("Proxy-Authenticate", `Basic realm="proxy"`) // a field that is valid
		_ = r.SendError(407, "")                                               // fails only if it is over
		return
	}
	if p.moods && p.m.chance(0.1) {
		p.sulk(r)
		return
	}
	if r.Command() == evhttp.MethodConnect {
		p.connect(r)
		return
	}
	f := &forward{p: p, r: r}
	f.start()
}

// sulk does not do what is asked for.
func (p *proxy) sulk(r *evhttp.Request) {
	switch p.m.rand.IntN(4) {
	case 0:
		_ = r.SendError(403, "") // fails only if it is over
	case 1:
		_ = r.SendError(502, "") // as above
	case 2:
		r.Cancel()
	case 3:
		r.SetErrorCallback(func(*evhttp.Request, error) {})
		httpAfter(p.base, 20*time.Second, func() { _ = r.SendError(504, "") }) // as above
	}
}

// connect makes a tunnel.
func (p *proxy) connect(r *evhttp.Request) {
	host, port, ok := strings.Cut(r.URI(), ":")
	n, err := strconv.Atoi(port)
	if !ok || err != nil {
		p.m.w.Failf("a tunnel to %q", r.URI())
		return
	}
	b, err := bufferevent.NewSocket(p.base, -1, bufferevent.CloseOnFree)
	if err != nil {
		_ = r.SendError(503, "") // fails only if it is over
		return
	}
	gone := false
	r.SetErrorCallback(func(*evhttp.Request, error) { gone = true; b.Free() })
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.ConnectionMade:
			p.tunnel(r, b)
		case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
			p.m.w.Note("the proxy cannot connect: %v", b.Err())
			b.Free()
			if !gone {
				r.SetErrorCallback(nil)
				_ = r.SendError(502, "") // as above
			}
		}
	})
	if err := b.ConnectHostname(p.names, "tcp4", host, n); err != nil {
		b.Free()
		r.SetErrorCallback(nil)
		_ = r.SendError(502, "") // as above
	}
}

// tunnel relays between the client and the server.
func (p *proxy) tunnel(r *evhttp.Request, b *bufferevent.Bufferevent) {
	r.SetErrorCallback(nil)
	if err := r.SendReplyStart(200, "Connected"); err != nil {
		b.Free()
		return
	}
	client, err := r.Hijack()
	if err != nil {
		p.m.w.Failf("hijack: %v", err)
		b.Free()
		return
	}
	p.relays = append(p.relays, relayStreams(p.m.w, client, b))
}

func (p *proxy) free() {
	for _, r := range p.relays { // of peers that have gone without a word
		r.free()
	}
	p.server.Free()
	p.client.Free()
}

// A forward is a request that a proxy sends on, and the answer to it.
type forward struct {
	p     *proxy
	r     *evhttp.Request // of the client
	up    *evhttp.Request // to the server
	begun bool            // the answer
	body  bool            // it is time for the body of the request
	wait  bool            // a part of it has yet to leave
	ended bool            // all of it was sent
	down  bool            // a part of the answer has yet to leave
	whole bool            // all of the answer has come
	over  bool
}

// hopByHop are fields that are not passed on.
var hopByHop = []string{"Connection", "Proxy-Authorization", "Transfer-Encoding", "Keep-Alive", "Host", "Upgrade", "Expect"}

func (f *forward) start() {
	f.up = evhttp.NewRequest(f.done)
	f.r.SetErrorCallback(f.clientGone)
	h := f.up.OutputHeaders()
	for name, value := range f.r.InputHeaders().All() {
		_ = h.Add(name, value) // a field that has come is valid
	}
	for _, name := range hopByHop {
		h.Remove(name)
	}
	f.up.SetHeaderCallback(f.onHeader)
	f.up.SetChunkCallback(f.onAnswer)
	f.up.SetInformationalCallback(func(_ *evhttp.Request, code int, _ *evhttp.Header) {
		if code != 100 {
			_ = f.r.SendInformational(code) // fails only if it is over
		}
	})
	u, err := url.Parse(f.r.URI())
	if err != nil {
		f.p.m.w.Failf("a request for %q", f.r.URI())
		return
	}
	ready := func(*evhttp.Request) { f.body = true; f.send() }
	if f.r.BodyLength() == 0 {
		ready = nil
	} else {
		f.r.SetChunkCallback(func(*evhttp.Request) { f.send() })
	}
	if err := f.p.client.RequestURL(f.up, f.r.Method(), u, ready); err != nil {
		f.fail(503)
	}
}

// send passes on what has come of the request's body.
func (f *forward) send() {
	if f.over || !f.body || f.wait || f.ended {
		return
	}
	if in := f.r.Input(); in.Len() > 0 {
		part := evbuffer.New()
		_ = part.AddBuffer(in) // buffers that are not frozen
		f.wait = true
		if f.up.SendReplyChunkFunc(part, func() { f.wait = false; f.send() }) == nil {
			return
		}
		f.wait = false
	}
	if f.r.Complete() && !f.ended {
		f.ended = true
		for name, value := range f.r.InputTrailers().All() {
			_ = f.up.OutputTrailers().Add(name, value) // a field that has come is valid
		}
		_ = f.up.SendReplyEnd() // fails with the end of the request
	}
}

// onHeader begins the answer.
func (f *forward) onHeader(up *evhttp.Request) bool {
	if f.over {
		return false
	}
	f.begun = true
	h := f.r.OutputHeaders()
	for name, value := range up.InputHeaders().All() {
		_ = h.Add(name, value) // a field that has come is valid
	}
	for _, name := range []string{"Connection", "Transfer-Encoding", "Keep-Alive"} {
		h.Remove(name)
	}
	if f.r.SendReplyStart(up.ResponseCode(), up.Reason()) != nil {
		f.over = true
		return false
	}
	return true
}

// onAnswer passes on what has come of the answer's body.
func (f *forward) onAnswer(up *evhttp.Request) {
	if f.over || f.down {
		return
	}
	part := evbuffer.New()
	_ = part.AddBuffer(up.Input()) // buffers that are not frozen
	if part.Len() == 0 {
		return
	}
	f.down = true
	if f.r.SendReplyChunkFunc(part, f.left) != nil {
		f.over = true
		up.Cancel()
	}
}

// left is called when what was passed on has left.
func (f *forward) left() {
	f.down = false
	switch {
	case f.over:
	case f.up.Input().Len() > 0:
		f.onAnswer(f.up)
	case f.whole:
		f.end()
	}
}

// done is called when the answer of the server has come, or it has failed.
func (f *forward) done(up *evhttp.Request) {
	switch {
	case f.over:
	case up.Err() != nil:
		f.p.m.w.Note("the proxy's request fails: %v", up.Err())
		f.fail(502)
	default:
		f.whole = true
		f.onAnswer(up)
		if !f.down {
			f.end()
		}
	}
}

// end ends the answer.
func (f *forward) end() {
	f.over = true
	for name, value := range f.up.InputTrailers().All() {
		_ = f.r.OutputTrailers().Add(name, value) // a field that has come is valid
	}
	_ = f.r.SendReplyEnd() // fails only if it is over
}

var errProxied = errors.New("the server has failed")

// fail ends the request with an error of the proxy's.
func (f *forward) fail(code int) {
	f.over = true
	if f.begun {
		f.r.Abort(errProxied)
		return
	}
	f.r.OutputHeaders().Clear()
	_ = f.r.SendError(code, "") // fails only if it is over
}

// clientGone gives the request up.
func (f *forward) clientGone(*evhttp.Request, error) {
	if f.over {
		return
	}
	f.over = true
	f.up.Cancel()
}

// scramble is a SecureFunc for what looks like TLS to all between: each byte is another
// one, and there is no handshake.
func (m *httpModel) scramble(_ *event.Base, under *bufferevent.Bufferevent, _ string) (*bufferevent.Bufferevent, error) {
	b, err := scrambled(under, m.deferral())
	if err == nil {
		b.TriggerEvent(bufferevent.EventConnected, nil, bufferevent.TrigDeferCallbacks)
	}
	return b, err
}

// deferral says whether the callbacks of a stream come from the loop, or within the calls
// that cause them.
func (m *httpModel) deferral() bufferevent.Options {
	if m.chance(0.5) {
		return bufferevent.DeferCallbacks
	}
	return 0
}

func scrambled(under *bufferevent.Bufferevent, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	b, err := bufferevent.NewFilter(under, scrambleBytes, scrambleBytes, bufferevent.CloseOnFree|opts, nil)
	if err != nil {
		under.Free()
	}
	return b, err
}

func scrambleBytes(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	n := src.Len()
	if limit >= 0 {
		n = min(n, limit)
	}
	p := make([]byte, n)
	if _, err := src.Remove(p); err != nil {
		return err
	}
	for i := range p {
		p[i] ^= 0x55
	}
	return dst.Add(p)
}

// proxiedRequests has our client ask our server through a proxy, or several.
func proxiedRequests(w *evtest.World) {
	m := newHTTPModel(w)
	m.proxied = true
	server := &httpServer{model: m, host: w.Host("server")}
	p := &proxy{m: m, host: w.Host("proxy")}
	p.names = &httpNames{model: m, base: p.host.Base(), hosts: map[string]netip.Addr{"server.test": server.host.Addr()}}
	client := m.newClient(p.host)
	client.cfg.Resolver.(*httpNames).hosts = map[string]netip.Addr{"proxy.test": p.host.Addr()}
	client.cfg.Secure = m.scramble
	user := ""
	if m.chance(0.3) {
		user = "user:word@"
		p.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte("user:word"))
		if m.chance(0.1) {
			user, m.harsh = "user:other@", true
		}
	}
	if m.chance(0.2) {
		p.moods, m.harsh = true, true
	}
	client.cfg.Proxy = func(*url.URL) (*url.URL, error) {
		return url.Parse("http://" + user + "proxy.test:" + strconv.Itoa(proxyPort))
	}
	lanes, requests := w.Draw("lanes", 1, 5), w.Draw("requests", 1, 16)
	cfg, proxyCfg, proxyConn, conn, proxyClient := m.serverConfig(), m.serverConfig(), m.connConfig(), m.connConfig(), m.clientConfig()
	server.host.Do(func() {
		server.start(cfg)
		server.startScrambled()
	})
	p.host.Do(func() { p.start(proxyCfg, proxyClient, proxyConn) })
	client.host.Do(func() { client.ask(conn, 0, lanes, requests) })
	m.accidents(server.host, p.host)
	m.accidents(p.host, client.host)
	w.Await("all requests to be over", func() bool { return m.left == 0 })
	w.Run(httpLeftovers)
	client.host.Do(client.free)
	m.endServer(server)
	w.Await("the relays to end", func() bool { return m.harsh || allOver(p.relays) })
	p.host.Do(p.free)
	w.Run(time.Minute)
	m.checkEnd()
	m.awaitDescriptors(server.host, client.host, p.host)
}

func allOver(relays []*relay) bool {
	return !slices.ContainsFunc(relays, func(r *relay) bool { return !r.over })
}

// startScrambled listens at the port of https as well.
func (s *httpServer) startScrambled() {
	if s.ended {
		return
	}
	bound, err := s.server.Bind(s.host.AddrPort(securePort))
	if err != nil {
		if !s.model.harsh {
			s.model.w.Failf("listen: %v", err)
		}
		httpAfter(s.base, httpLeastTimeout/5, s.startScrambled)
		return
	}
	bound.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
		if err != nil {
			return nil, err
		}
		return scrambled(under, s.model.deferral())
	})
}

// proxiedStreams relays streams between two hosts on a third one, which knows nothing of
// what is in them.
func proxiedStreams(w *evtest.World) {
	m := newHTTPModel(w)
	client, middle, far := w.Host("client"), w.Host("proxy"), w.Host("server")
	s := &relayServer{m: m}
	far.Do(func() { s.start(far) })
	var l *listener.Listener
	relays := []*relay(nil)
	var listen func()
	listen = func() {
		var err error
		l, err = listener.NewBind(middle.Base(), middle.AddrPort(relayPort), listener.CloseOnFree|listener.Reuseable,
			listener.DefaultBacklog, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
				relayTo(m, middle.Base(), fd, far.AddrPort(relayPort), func(r *relay) { relays = append(relays, r) })
			})
		if err != nil {
			if !m.harsh {
				w.Failf("listen: %v", err)
			}
			httpAfter(middle.Base(), httpLeastTimeout/5, listen)
		}
	}
	middle.Do(listen)
	n := w.Draw("streams", 1, 8)
	client.Do(func() {
		for i := range n {
			near, end := m.newRelayEnds(i)
			s.ends = append(s.ends, end)
			httpAfter(client.Base(), m.upTo(3*time.Second), func() { near.connect(client.Base(), middle.AddrPort(relayPort), byte(i)) })
		}
	})
	m.accidents(client, middle)
	m.accidents(middle, far)
	w.Await("all streams to end", func() bool { return m.left == 0 })
	w.Await("all relays to end", func() bool { return m.harsh || allOver(relays) })
	w.Run(2 * httpForever)
	middle.Do(func() {
		for _, r := range relays { // of peers that have gone without a word
			r.free()
		}
		if l != nil {
			l.Free()
		}
	})
	far.Do(func() {
		if s.listener != nil {
			s.listener.Free()
		}
	})
	m.awaitDescriptors(client, far)
}

// connect connects to a relay, and begins.
func (e *relayEnd) connect(base *event.Base, to netip.AddrPort, id byte) {
	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		e.fail(err)
		return
	}
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.ConnectionMade:
			_, _ = b.Write([]byte{id}) // fails with an event
			e.start(b)
		case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
			err := b.Err()
			b.Free()
			e.fail(err)
		}
	})
	if err := b.Connect(to); err != nil {
		b.Free()
		e.fail(err)
	}
}

// relayTo relays a stream that was accepted to another host.
func relayTo(m *httpModel, base *event.Base, fd int, to netip.AddrPort, begun func(*relay)) {
	near, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		m.w.Failf("accept: %v", err)
		return
	}
	far, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		_ = m.w.Reset(near.FD()) // fails for one that has failed
		near.Free()
		return
	}
	fail := func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.ConnectionMade:
			begun(relayStreams(m.w, near, far))
		case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
			m.w.Note("a relay fails: %v", b.Err())
			_ = m.w.Reset(near.FD()) // as above
			near.Free()
			far.Free()
		}
	}
	near.SetCallbacks(nil, nil, fail)
	far.SetCallbacks(nil, nil, fail)
	if err := far.Connect(to); err != nil {
		_ = m.w.Reset(near.FD()) // as above
		near.Free()
		far.Free()
	}
}

// proxiedTunnels has streams of any kind go through tunnels that a proxy of HTTP makes.
func proxiedTunnels(w *evtest.World) {
	m := newHTTPModel(w)
	client, far := w.Host("client"), w.Host("server")
	p := &proxy{m: m, host: w.Host("proxy")}
	p.names = &httpNames{model: m, base: p.host.Base(), hosts: map[string]netip.Addr{"server.test": far.Addr()}}
	if m.chance(0.2) {
		p.moods, m.harsh = true, true
	}
	s := &relayServer{m: m}
	far.Do(func() { s.start(far) })
	cfg, conn, proxyClient := m.serverConfig(), m.connConfig(), m.clientConfig()
	p.host.Do(func() { p.start(cfg, proxyClient, conn) })
	n := w.Draw("streams", 1, 6)
	client.Do(func() {
		for i := range n {
			near, end := m.newRelayEnds(i)
			s.ends = append(s.ends, end)
			httpAfter(client.Base(), m.upTo(3*time.Second), func() { near.dig(client.Base(), p.host.Addr(), byte(i)) })
		}
	})
	m.accidents(client, p.host)
	m.accidents(p.host, far)
	w.Await("all streams to end", func() bool { return m.left == 0 })
	w.Await("all relays to end", func() bool { return m.harsh || allOver(p.relays) })
	w.Run(2 * time.Minute)
	p.host.Do(p.free)
	far.Do(func() {
		if s.listener != nil {
			s.listener.Free()
		}
	})
	m.awaitDescriptors(client, far)
}

// dig has a proxy make a tunnel, and begins.
func (e *relayEnd) dig(base *event.Base, through netip.Addr, id byte) {
	conn, err := evhttp.NewClientConn(base, through.String(), proxyPort, nil)
	if err != nil {
		e.fail(err)
		return
	}
	_ = conn.FreeOnCompletion() // a connection that was not freed
	r := evhttp.NewRequest(func(r *evhttp.Request) {
		switch {
		case r.Err() != nil:
			e.fail(r.Err())
		case !r.SwitchesProtocol():
			e.fail(&evhttp.ProxyError{Code: r.ResponseCode(), Reason: r.Reason()})
		default:
			b, err := r.Hijack()
			if err != nil {
				e.m.w.Failf("hijack: %v", err)
				return
			}
			_, _ = b.Write([]byte{id}) // fails with an event
			e.start(b)
		}
	})
	if err := conn.MakeRequest(r, evhttp.MethodConnect, "server.test:"+strconv.Itoa(relayPort)); err != nil {
		conn.Free()
		e.fail(err)
	}
}
