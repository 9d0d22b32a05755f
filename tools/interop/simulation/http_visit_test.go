package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpVisit is a request to a site, and what must come of it.
type httpVisit struct {
	site   *httpSite
	client *httpClient
	id     int
	then   func()

	method string
	host   string
	path   string
	body   int  // bytes
	known  bool // its length is announced
	line   int  // bytes more than the request line needs
	field  int  // bytes of a field that means nothing
	fields int  // such fields
	other  bool // it expects what nobody knows
	first  httpFirst

	tooLong int // the status code of a head that is too long, or 0
	code    int // of the answer, once it is known
	found   httpFound
	begun   *httpRoute // whose handler is called before the body is found to be too large, or nil
	seen    int        // times that its header came
	handled int
	logged  int
	status  int // in the log
	sent    int // the same
	over    bool
}

// An httpFirst is what is done with a request before its handler is looked for.
type httpFirst int

const (
	visitPassed httpFirst = iota
	visitAnswered
	visitRefused
)

// httpAgent is what is hard to write into a log.
const httpAgent = `the "agent" \ of` + " \xe9"

func (s *httpSite) newVisit(client *httpClient, then func()) *httpVisit {
	m := s.m
	v := &httpVisit{site: s, client: client, id: len(s.visits), then: then, known: m.chance(0.7)}
	s.visits = append(s.visits, v)
	methods := []string{"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "SIP"}
	v.method = methods[m.rand.IntN(len(methods))]
	v.host = httpHosts[m.rand.IntN(len(httpHosts))]
	v.path = httpPaths[m.rand.IntN(len(httpPaths))]
	if v.method == "OPTIONS" && m.chance(0.5) {
		v.path = "*"
	}
	if v.method == "POST" || v.method == "PUT" {
		v.body = m.rand.IntN(6000)
		if most := int(s.cfg.MaxBodySize); most > 0 && m.chance(0.3) {
			v.body = most + m.rand.IntN(2)
		}
	}
	v.other = m.chance(0.05)
	if m.chance(0.1) {
		v.first = httpFirst(m.rand.IntN(3))
	}
	if m.most < 10_000 { // long heads take long
		return v
	}
	switch m.rand.IntN(12) {
	case 0:
		v.line = s.over(s.limited.Line, http.StatusRequestURITooLong, v)
	case 1:
		v.field = s.over(s.limited.Header, http.StatusRequestHeaderFieldsTooLarge, v)
	case 2:
		v.fields = s.over(s.limited.Fields, http.StatusRequestHeaderFieldsTooLarge, v)
	}
	if v.path == "*" && v.line > 0 {
		v.line, v.tooLong = 0, 0
	}
	return v
}

// over draws what is surely above a limit, or surely below it.
func (s *httpSite) over(limit, code int, v *httpVisit) int {
	if s.m.chance(0.5) {
		v.tooLong = code
		return limit + 1
	}
	return limit / 4
}

// errorf reports what is wrong.
func (v *httpVisit) errorf(format string, args ...any) {
	if v.site.m.w.T().Failed() {
		return // what follows is of no interest
	}
	v.site.m.w.Failf("visit %d, %s %s%s with %d bytes (known: %v), line +%d, field +%d, fields +%d, to be %d by %+v: %s", v.id,
		v.method, v.host, v.path, v.body, v.known, v.line, v.field, v.fields, v.code, v.found, fmt.Sprintf(format, args...))
}

// expect finds out what must come of the request, when its header has come.
func (v *httpVisit) expect() {
	s := v.site
	host := v.host
	v.found = s.table(host).find(v.method, host, v.path)
	v.code = http.StatusOK
	if v.found.code != 0 {
		v.code = v.found.code
	}
	known, allowed := s.known(v.method)
	if v.method == "SIP" {
		known = false
	}
	if !allowed && !v.found.every {
		switch {
		case !known:
			v.code, v.found = http.StatusNotImplemented, httpFound{}
		case v.code == http.StatusMethodNotAllowed:
		default:
			v.code, v.found = http.StatusMethodNotAllowed, httpFound{allowed: s.allowedMethods()}
		}
	}
	if v.other && (v.found.route != nil || v.code == 200 || v.code == 301) {
		v.code, v.found = http.StatusExpectationFailed, httpFound{}
	}
	if max := s.cfg.MaxBodySize; max > 0 && int64(v.body) > max && (v.known || v.found.route != nil || v.code == http.StatusMovedPermanently) {
		if v.found.stream && !v.known {
			v.begun = v.found.route
		}
		v.code, v.found = http.StatusRequestEntityTooLarge, httpFound{value: v.found.value}
	}
}

// send sends the request.
func (v *httpVisit) send() {
	r := evhttp.NewRequest(v.done)
	h := r.OutputHeaders()
	fields := [][2]string{{"User-Agent", httpAgent}, {"Referer", "from"}}
	if v.id%3 == 0 {
		fields = append(fields, [2]string{"Host", strings.ToUpper(v.host) + ":80"})
	}
	if v.other {
		fields = append(fields, [2]string{"Expect", "something-else"})
	}
	if v.field > 0 {
		fields = append(fields, [2]string{"X-Long", strings.Repeat("x", v.field)})
	}
	for range v.fields {
		fields = append(fields, [2]string{"X", "y"})
	}
	for _, f := range fields {
		if err := h.Add(f[0], f[1]); err != nil {
			v.errorf("header: %v", err)
		}
	}
	u := &url.URL{Scheme: "http", Host: v.host}
	if v.path == "*" {
		u.Path = "*"
	} else if u, _ = url.Parse(fmt.Sprintf("http://%s%s?id=%d", v.host, v.path, v.id)); v.line > 0 {
		u.RawQuery += "&line=" + strings.Repeat("x", v.line)
	}
	var ready func(r *evhttp.Request)
	body := httpBytes(v.id, 0, v.body)
	if v.known {
		_ = r.Output().AddReference(body, nil) // a buffer that is not frozen
	} else {
		ready = func(r *evhttp.Request) {
			p := evbuffer.New()
			_ = p.AddReference(body, nil) // as above
			if err := errors.Join(r.SendReplyChunk(p), r.SendReplyEnd()); err != nil && !errors.Is(err, evhttp.ErrDone) {
				v.errorf("its body: %v", err)
			}
		}
	}
	v.site.m.w.Note("visit %d: %s %s%s", v.id, v.method, v.host, v.path)
	if err := v.client.client.RequestURL(r, v.method, u, ready); err != nil {
		v.errorf("it cannot be sent: %v", err)
	}
}

// handle answers the request.
func (v *httpVisit) handle(r *evhttp.Request, route *httpRoute) {
	if v.handled++; route != v.found.route && (v.begun == nil || route != v.begun) {
		v.errorf("it is handled by %+v", route)
	}
	if r.Pattern() != route.pattern && route != &httpGeneric {
		v.errorf("its pattern is %q", r.Pattern())
	}
	if value, ok := r.FindPathValue("id"); value != v.found.value || ok != strings.Contains(route.path, "{id") {
		if route != &httpGeneric {
			v.errorf("its wildcard is %q, not %q", value, v.found.value)
		}
	}
	uri, err := r.ParsedURI()
	if err != nil || uri.Path() != v.path || r.Path() != v.path || !strings.EqualFold(r.Host(), v.host) || r.Proto() != "HTTP/1.1" {
		v.errorf("it comes as %s http://%s%s", r.Proto(), r.Host(), r.URI())
	}
	if !r.Complete() {
		v.receive(r, route)
		return
	}
	v.check(r)
	v.answerLater(r, route)
}

// receive has the body come before the answer.
func (v *httpVisit) receive(r *evhttp.Request, route *httpRoute) {
	r.SetChunkCallback(func(r *evhttp.Request) {
		if r.Complete() {
			v.check(r)
			v.answerLater(r, route)
		}
	})
}

// check compares the body.
func (v *httpVisit) check(r *evhttp.Request) {
	body := make([]byte, r.Input().Len())
	_, _ = r.Input().Remove(body) // it has as many
	if !bytes.Equal(body, httpBytes(v.id, 0, v.body)) {
		v.errorf("%d bytes of its body have come, or others", len(body))
	}
}

// answerLater answers, now or later.
func (v *httpVisit) answerLater(r *evhttp.Request, route *httpRoute) {
	s := v.site
	if s.m.chance(0.3) {
		r.Own()
		r.Data = v
	}
	answer := func() {
		_ = r.OutputHeaders().Set(httpRouteName, route.exact+route.pattern) // a field that is valid
		_ = r.OutputHeaders().Set(httpID, strconv.Itoa(v.id))               // as above
		err := r.SendReplyBytes(200, "", []byte(v.path))
		if err != nil && (!errors.Is(err, evhttp.ErrDone) || !s.m.harsh && s.m.idle == 0) {
			v.errorf("its answer: %v", err)
		}
		if r.Owned() {
			s.kept = append(s.kept, r)
		}
	}
	if s.m.chance(0.6) {
		answer()
		return
	}
	if !r.Owned() {
		r.SetErrorCallback(func(*evhttp.Request, error) {})
	}
	httpAfter(s.base, s.m.upTo(httpLeastTimeout/10), answer)
}

// done compares the answer.
func (v *httpVisit) done(r *evhttp.Request) {
	s := v.site
	if v.over {
		v.errorf("it is over twice")
	}
	v.over = true
	defer func() { s.m.left--; v.then() }()
	if err := r.Err(); err != nil {
		if !s.m.harsh && s.m.idle == 0 && v.first != visitRefused {
			v.errorf("it fails: %v", err)
		}
		return
	}
	code := r.ResponseCode()
	if s.mayRefuse(code) {
		return
	}
	if v.tooLong != 0 {
		v.code = v.tooLong
	}
	if v.path == "*" { // which the server cannot tell from others
		if code != 200 && code != 404 && code != 405 && code != 501 && code != 417 && code != 431 {
			v.errorf("it is answered with %d", code)
		}
		return
	}
	body := make([]byte, r.Input().Len())
	_, _ = r.Input().Remove(body) // it has as many
	v.compare(r, code, body)
	v.compareLog(code, len(body))
}

// compare compares what has come.
func (v *httpVisit) compare(r *evhttp.Request, code int, body []byte) {
	h := r.InputHeaders()
	switch {
	case v.first == visitRefused && v.tooLong == 0:
		v.errorf("it is answered, though it was refused")
	case code != v.code:
		v.errorf("it is answered with %d", code)
	case v.method == "HEAD" && len(body) > 0:
		v.errorf("%d bytes answer HEAD", len(body))
	case v.found.route != nil:
		v.compareAnswer(h, body)
	case code >= 400 && v.site.cfg.OnError != nil && code%2 == 1 && h.Get(httpPageField) != strconv.Itoa(code):
		v.errorf("its page is %q", h.Get(httpPageField))
	case code == http.StatusMethodNotAllowed && !sameMethods(h.Get("Allow"), v.found.allowed):
		v.errorf("it allows %q, not %q", h.Get("Allow"), v.found.allowed)
	case code == http.StatusMovedPermanently:
		to, err := url.Parse(h.Get("Location"))
		if err != nil {
			v.errorf("it has moved to %q", h.Get("Location"))
			return
		}
		from, _ := url.Parse("http://" + v.host + v.path) // one that was sent
		if to = from.ResolveReference(to); to.Path != v.path+"/" || !strings.HasPrefix(to.RawQuery, "id=") {
			v.errorf("it has moved to %v", to)
		}
	}
	if h.Get("Date") == "" {
		v.errorf("there is no date")
	}
}

// compareAnswer compares an answer of a handler.
func (v *httpVisit) compareAnswer(h *evhttp.Header, body []byte) {
	want := v.site.cfg.ContentType
	if want == evhttp.NoContentType {
		want = ""
	}
	switch {
	case h.Get(httpRouteName) != v.found.route.exact+v.found.route.pattern || h.Get(httpID) != strconv.Itoa(v.id):
		v.errorf("the answer comes from %q, for %q", h.Get(httpRouteName), h.Get(httpID))
	case v.method != "HEAD" && string(body) != v.path:
		v.errorf("the answer is %q", body)
	case h.Get("Content-Type") != want:
		v.errorf("the answer is of type %q", h.Get("Content-Type"))
	case h.Get("Content-Length") != strconv.Itoa(len(v.path)):
		v.errorf("the answer says that it has %q bytes", h.Get("Content-Length"))
	}
}

// checkEnd checks what was counted.
func (v *httpVisit) checkEnd() {
	quiet := !v.site.m.harsh && v.site.m.idle == 0
	switch {
	case !v.over:
		v.errorf("it is not over")
	case v.seen > 1 && quiet && v.first != visitRefused:
		v.errorf("it came %d times", v.seen)
	case v.handled > v.seen:
		v.errorf("it was handled %d times, and came %d times", v.handled, v.seen)
	case v.path != "*" && v.found.route != nil && v.handled == 0 && quiet:
		v.errorf("it was not handled")
	case v.site.m.unlogged || v.path == "*" || v.tooLong != 0 || v.first == visitRefused:
	case v.logged != 1 && quiet || v.logged > v.seen:
		v.errorf("%d lines in the log", v.logged)
	}
}
