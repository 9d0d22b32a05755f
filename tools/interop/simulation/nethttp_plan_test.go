package simulation_test

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// A webPlan is a request to a handler of net/http, what the handler makes of it, and what
// becomes of the answer. All of it is drawn before anything runs.
type webPlan struct {
	id      int
	method  string
	proxied bool // by way of the proxy

	// The request.
	upload     int  // bytes of its body
	sized      bool // the length is said
	uploadFail bool // the reader of the body fails in the middle
	repeatable bool // the request has a GetBody
	expect     bool // Expect: 100-continue
	upgrade    bool // to an echo
	wrong      int  // bytes that the length says too much
	lazy       bool // the body comes slowly
	inline     bool // it is for a handler on the loop
	traced     bool
	summed     bool // a trailer follows the body

	// The handler.
	act      webAct
	wait     time.Duration // before it does anything
	reads    webReads
	status   int
	answer   int // bytes of the body
	length   bool
	flushes  bool // after each part
	trailer  bool
	trailing bool // by http.TrailerPrefix
	writes   webWrites
	infos    int  // interim answers
	notified bool // it waits for http.CloseNotifier
	silent   bool // it never answers

	readLimit, writeLimit time.Duration // deadlines, or none

	// The caller.
	cancel   time.Duration // the context ends then, or never
	timeout  time.Duration // or then, as by http.Client
	partial  bool          // the caller closes the body early
	slow     bool          // the caller reads now and then
	answered *atomic.Bool  // the caller has the head of an answer
	stops    bool          // the caller sends no more of the request's body once it has an answer
}

// webAct is how a handler ends.
type webAct int

const (
	webReturns     webAct = iota
	webPanics             // before it has sent anything
	webPanicsLater        // in the middle of its answer
	webAborts             // with http.ErrAbortHandler, in the middle
)

// webReads is what a handler reads of the request's body.
type webReads int

const (
	webReadsAll webReads = iota
	webReadsSome
	webReadsNone
	webReadsLast  // all, after the answer was sent
	webReadsAlong // some between the parts of the answer, and then the rest
)

var webMethods = []string{"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW"}

var webStatuses = []int{200, 200, 200, 200, 201, 204, 205, 206, 304, 400, 404, 418, 500, 503}

func drawWebPlan(r *rand.Rand, id int) *webPlan {
	p := &webPlan{
		id: id, answered: new(atomic.Bool), method: pick(r, webMethods), status: pick(r, webStatuses), proxied: r.IntN(4) == 0,
		answer: webSize(r), length: r.IntN(2) == 0, flushes: r.IntN(3) == 0,
	}
	if p.method == "POST" || p.method == "PUT" || p.method == "PATCH" || r.IntN(10) == 0 && p.method != "HEAD" {
		p.upload = webSize(r)
		p.sized = r.IntN(2) == 0
		p.uploadFail = p.upload > 1 && r.IntN(12) == 0
		p.repeatable = r.IntN(2) == 0
		p.expect = p.upload > 0 && r.IntN(5) == 0
		p.reads = webReads(r.IntN(5))
		if p.expect && p.reads >= webReadsLast {
			p.reads = webReadsAll // a client that has its answer sends no body any more
		}
	}
	if r.IntN(6) == 0 {
		p.act = webAct(1 + r.IntN(3))
	}
	if r.IntN(4) == 0 {
		p.wait = time.Duration(r.Int64N(int64(20 * time.Second)))
	}
	if !p.length && r.IntN(4) == 0 && bodyOf(p.method, p.status) {
		p.trailer, p.trailing = true, r.IntN(2) == 0
	}
	if p.method == "GET" && p.upload == 0 && r.IntN(8) == 0 {
		p.upgrade, p.act, p.trailer, p.upload = true, webReturns, false, webSize(r)
	}
	switch r.IntN(12) {
	case 0:
		p.cancel = time.Duration(r.Int64N(int64(5*time.Second))) + 1
	case 1:
		p.timeout = time.Duration(r.Int64N(int64(5*time.Second))) + 1
	}
	if p.upgrade {
		p.timeout = 0 // for which net/http takes the stream's writing half away
	}
	p.partial = r.IntN(10) == 0
	p.slow = r.IntN(8) == 0
	p.drawMore(r)
	return p
}

// drawMore draws what not every plan has.
func (p *webPlan) drawMore(r *rand.Rand) {
	p.writes, p.traced, p.notified = webWrites(r.IntN(int(webWriteses))), r.IntN(3) == 0, r.IntN(4) == 0
	p.lazy = p.upload > 0 && r.IntN(6) == 0
	p.summed = p.upload > 0 && !p.sized && !p.proxied && r.IntN(3) == 0
	if p.inline = r.IntN(5) == 0 && !p.upgrade; p.inline {
		p.wait = 0
		return
	}
	if p.upgrade {
		return
	}
	p.silent = r.IntN(24) == 0
	p.stops = p.lazy && p.reads == webReadsNone && !p.expect && !p.proxied && !p.summed
	if r.IntN(6) == 0 {
		p.infos = 1 + r.IntN(3)
	}
	switch r.IntN(16) {
	case 0:
		p.readLimit = time.Duration(1 + r.Int64N(int64(3*time.Second)))
	case 1:
		p.writeLimit = time.Duration(1 + r.Int64N(int64(3*time.Second)))
	case 2:
		if p.sized && p.upload > 2 {
			p.wrong = 1 - 2*r.IntN(2)
		}
	}
}

// webSize draws the length of a body.
func webSize(r *rand.Rand) int {
	if r.IntN(5) == 0 {
		return 0
	}
	return r.IntN(1 << (1 + r.IntN(17)))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// bodyOf reports whether an answer may have a body (RFC 9110 section 6.4.1).
func bodyOf(method string, status int) bool {
	return method != "HEAD" && status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}

// place returns the first segment of the path.
func (p *webPlan) place() string {
	if p.inline {
		return "inline"
	}
	return "plan"
}

// harmless reports whether nothing in the plan keeps the request from its answer.
func (p *webPlan) harmless() bool {
	return p.act == webReturns && !p.silent && p.cancel == 0 && p.timeout == 0 && !p.uploadFail && p.wrong == 0 &&
		p.readLimit == 0 && p.writeLimit == 0
}

// cut reports whether the handler ends before the end of an answer that has a body.
func (p *webPlan) cut() bool {
	if !bodyOf(p.method, p.status) {
		return false
	}
	return p.act > webPanics && p.answer > 1 || p.act == webAborts && !p.length
}

// unrepeatable reports whether the handler must not see the request twice
// (RFC 9110 section 9.2.2).
func (p *webPlan) unrepeatable() bool {
	return p.method == "POST" || p.method == "PATCH" || p.method == "BREW"
}

// webBody is the body of a request or an answer: its kind and number say which bytes.
type webBody struct {
	r       *rand.Rand
	left    int
	fail    error        // at the end, instead of io.EOF
	stopped *atomic.Bool // when it is set, there is no more
}

func newWebBody(kind uint64, id, n int) *webBody {
	return &webBody{r: rand.New(rand.NewPCG(kind, uint64(id))), left: n}
}

const (
	webUp   = 1
	webDown = 2
)

func (b *webBody) fill(p []byte) int {
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = byte(b.r.Uint32())
	}
	b.left -= n
	return n
}
