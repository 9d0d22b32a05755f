package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

const (
	webPort  = 80
	webPlans = "Plan" // the field with the number of the plan
)

// serveWeb has a host serve a handler.
func (s *webScene) serveWeb(h *evtest.Host, handler http.Handler) (server *evhttp.Server) {
	h.Do(func() {
		server = evhttp.NewServer(h.Base())
		server.SetPanicCallback(func(*evhttp.Request, any) {})
		server.SetGenericStream(evnethttp.Handler(handler))
		if handler == http.Handler(s) {
			if err := server.HandlePattern("/inline/", evnethttp.InlineHandler(handler)); err != nil {
				s.errorf("%v", err)
			}
		}
		if _, err := server.Bind(h.AddrPort(webPort)); err != nil {
			s.world.Note("no server: %v", err) // for want of descriptors
		}
	})
	return server
}

// ServeHTTP is the handler. It runs in goroutines.
func (s *webScene) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.Header.Get(webPlans))
	if err != nil || id < 0 || id >= len(s.plans) {
		s.errorf("a request for plan %q", r.Header.Get(webPlans))
		return
	}
	p := s.plans[id]
	s.mu.Lock()
	s.handled[id]++
	again := s.handled[id] > 1
	s.mu.Unlock()
	if again && p.unrepeatable() {
		s.errorf("%s of plan %d came twice", p.method, id)
	}
	if r.Method != p.method {
		s.errorf("plan %d: %s instead of %s", id, r.Method, p.method)
	}
	s.prepare(rw, p)
	var gone <-chan bool
	if p.notified {
		if n, ok := rw.(http.CloseNotifier); ok { // deprecated, and still used
			gone = n.CloseNotify()
		}
	}
	if p.wait > 0 {
		select { // any order: all end the wait
		case <-time.After(p.wait):
		case <-gone:
			if p.harmless() && s.clean {
				s.errorf("plan %d: its client is said to have gone", id)
			}
			return
		case <-r.Context().Done():
			if p.harmless() && s.clean {
				s.errorf("plan %d: the context has ended: %v", id, r.Context().Err())
			}
			return
		}
	}
	if p.silent {
		<-r.Context().Done()
		return
	}
	if p.upgrade {
		s.echo(rw, p)
		return
	}
	if p.act == webPanics {
		panic("as planned")
	}
	switch p.reads {
	case webReadsLast:
		s.sendAnswer(rw, p, func() {})
		s.readUpload(r.Body, p)
	case webReadsAlong:
		var head bytes.Buffer
		s.sendAnswer(rw, p, func() { _, _ = io.CopyN(&head, r.Body, 700) }) // fails as the rest does
		s.readUpload(io.MultiReader(&head, r.Body), p)
	default:
		whole := s.readUpload(r.Body, p)
		if sum := r.Trailer.Get("Up-Sum"); whole && p.summed && sum != strconv.Itoa(p.id) {
			s.errorf("plan %d: the trailer of the request is %v", p.id, r.Trailer)
		}
		s.sendAnswer(rw, p, func() {})
	}
}

// readUpload reads of the request's body what the plan says, and reports whether that was all.
func (s *webScene) readUpload(body io.Reader, p *webPlan) (whole bool) {
	began := time.Now()
	want := newWebBody(webUp, p.id, p.upload)
	limit := p.upload + 1
	switch p.reads {
	case webReadsNone:
		return false
	case webReadsSome:
		limit = p.upload / 2
	}
	n, err := compareWeb(io.LimitReader(body, int64(limit)), want)
	switch {
	case errors.Is(err, errOtherBytes):
		s.errorf("plan %d: other bytes of the request's body after %d", p.id, n)
	case p.wrong != 0: // another transport sends as much as the length says
	case err == nil && p.reads != webReadsSome && (n < p.upload || p.uploadFail):
		s.errorf("plan %d: the request's body ends after %d bytes of %d as if it were whole", p.id, n, p.upload)
	case err != nil && p.harmless() && s.clean && !p.partial && p.reads < webReadsLast:
		s.errorf("plan %d (%+v): the request's body fails after %d of %d bytes: %v", p.id, *p, n, p.upload, err)
	}
	if p.wait == 0 && p.reads < webReadsLast {
		s.checkDeadline(p, err, p.readLimit, time.Since(began)+time.Millisecond)
	}
	return err == nil && n == p.upload && limit > n
}

// sendAnswer sends what the plan says.
// between is called between its parts.
func (s *webScene) sendAnswer(rw http.ResponseWriter, p *webPlan, between func()) {
	header := rw.Header()
	if p.length && bodyOf(p.method, p.status) || p.length && p.method == "HEAD" {
		header.Set("Content-Length", strconv.Itoa(p.answer))
	}
	if p.trailer && !p.trailing {
		header.Set("Trailer", "Sum")
	}
	header.Set("Answer", strconv.Itoa(p.id))
	rw.WriteHeader(p.status)
	body := newWebBody(webDown, p.id, p.answer)
	part := make([]byte, 1+p.answer/4)
	for body.left > 0 && bodyOf(p.method, p.status) {
		if p.act > webPanics && body.left < p.answer/2+1 {
			if p.act == webAborts {
				panic(http.ErrAbortHandler)
			}
			panic("as planned, in the middle")
		}
		n := body.fill(part)
		if m, err := p.write(rw, part[:n]); err != nil {
			s.checkDeadline(p, err, p.writeLimit, p.writeLimit)
			if p.harmless() && s.clean && !p.partial {
				s.errorf("plan %d: write %d: %v", p.id, m, err)
			}
			return
		}
		if p.flushes {
			p.flush(rw)
		}
		between()
	}
	if p.act == webAborts {
		panic(http.ErrAbortHandler)
	}
	if p.trailer && p.trailing {
		header.Set(http.TrailerPrefix+"Sum", strconv.Itoa(p.id))
	} else if p.trailer {
		header.Set("Sum", strconv.Itoa(p.id))
	}
}

// echo takes the connection over and sends back what comes.
func (s *webScene) echo(rw http.ResponseWriter, p *webPlan) {
	conn, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		if s.clean && p.harmless() {
			s.errorf("plan %d: hijack: %v", p.id, err)
		}
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(webLimit))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nAnswer: %d\r\n\r\n", p.id)
	if err == nil {
		_, err = io.Copy(conn, io.LimitReader(buffered, int64(p.upload)))
	}
	if err != nil && s.clean && p.harmless() && !p.partial {
		s.errorf("plan %d: echo: %v", p.id, err)
	}
}

// proxy returns a reverse proxy of a host for the server.
func (s *webScene) proxy(transport http.RoundTripper) http.Handler {
	to := &url.URL{Scheme: "http", Host: s.server.AddrPort(webPort).String()}
	p := httputil.NewSingleHostReverseProxy(to)
	p.Transport = transport
	p.ErrorLog = log.New(io.Discard, "", 0)
	return p
}

var errOtherBytes = errors.New("other bytes")

// compareWeb reads r to its end, and compares it with want.
func compareWeb(r io.Reader, want *webBody) (n int, err error) {
	got, expected := make([]byte, 4096), make([]byte, 4096)
	for {
		m, err := r.Read(got)
		if k := want.fill(expected[:m]); k < m || !bytes.Equal(got[:m], expected[:m]) {
			return n, errOtherBytes
		}
		n += m
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
