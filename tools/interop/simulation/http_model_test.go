package simulation_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpTransaction is a request and the answer to it: what both sides do about it, which
// is drawn before anything is sent, and what has become of it. Both sides have the same
// value, so that each can compare what it gets with what the other one has sent.
type httpTransaction struct {
	model  *httpModel
	id     int
	method evhttp.Method
	stream bool // its handler is called before the body has come

	// What the client sends.
	ask    httpContent
	expect bool // it waits for 100 Continue
	old    bool // it is HTTP/1.0
	last   bool // it says Connection: close

	// What the server answers.
	style  httpStyle
	code   int
	answer httpContent
	infos  int           // informational answers before
	delay  time.Duration // until the answer begins

	shared    bool             // it is sent by a connection that may have others
	tunnelled bool             // through the proxy
	absolute  bool             // the peer sends a whole URI
	before    *httpTransaction // which the same peer has sent before, or nil
	way       httpWay          // how an origin answers
	early     bool             // the server may answer before the body has come
	patient   bool             // its answer goes on when the client has ended its stream
	garbage   bool             // the answer is none of HTTP

	// What may go wrong, because one side does something else than to wait.
	doomed  bool // the answer will not be complete
	shaky   bool // it may fail, without anything going wrong in the network
	anyCode bool // it may be answered by an error of the server's

	// What has happened.
	client   *evtest.Host
	sentAt   time.Time
	handled  int  // calls of the handler
	asked    int  // bytes of the request's body that the server has got, the last time
	begun    int  // answers that were begun
	ended    int  // answers that were handed over completely
	handed   bool // the end of one was, or is being
	logged   int
	failures int // calls of the server's error callback
	complete int // calls of the server's callback that the answer was sent
	outcome  error
	over     bool // on the client's side
	got      int  // bytes of the answer that the client has got
	told     int  // informational answers
	reused   bool // it was sent by a connection that had carried another one
}

// An httpStyle is a way to answer.
type httpStyle int

const (
	answerAtOnce httpStyle = iota // SendReplyBytes
	answerBuffer                  // SendReply
	answerParts                   // SendReplyStart, SendReplyChunk at once, SendReplyEnd
	answerPaced                   // SendReplyChunkFunc
	answerSource                  // SendReplySource
	answerTimed                   // SendReplyChunk by a timer
	answerPage                    // SendError
	answerAbort                   // Request.Abort in the middle
	answerCancel                  // Request.Cancel in the middle
	answerFree                    // Conn.Free in the middle
	answerBroken                  // SendReplySource, of a source that fails in the middle
	answerNever                   // none at all
	answerPanic                   // a panic
	answerSwitch                  // Hijack after 101
	httpStyles
)

// httpContent is the body of a message.
type httpContent struct {
	size    int
	known   bool // its length is announced
	trailer bool
	piece   int // bytes of each part
	pause   time.Duration
}

// An httpModel is what is known of all transactions of a world.
type httpModel struct {
	w     *evtest.World
	rand  *rand.Rand
	all   []*httpTransaction
	left  int  // transactions that are not over
	harsh bool // the network or the script may have any of them fail
	most  int  // bytes that a body may have
	open  int  // peers that are not done

	idle      time.Duration // after which the server ends connections, or 0
	few       bool          // the server takes some requests of a connection only
	full      bool          // requests may find no place to wait
	restarted bool          // the server is shut down meanwhile, so that requests may not come to it
	room      int64         // bytes that the client takes of an answer, or 0
	unlogged  bool          // there is no log
	ways      bool          // transactions are with an origin
	proxied   bool          // there is a proxy between
}

func newHTTPModel(w *evtest.World) *httpModel {
	f := w.Faults()
	if w.Draw("calm", 0, 1) == 1 { // nothing keeps a request from its answer
		f.Refuse, f.Vanish, f.Reset, f.NoDescriptors, f.NoBuffers = 0, 0, 0, 0, 0
		w.SetFaults(f)
	}
	m := &httpModel{w: w, rand: w.Rand(), harsh: f.Refuse+f.Vanish+f.Reset+f.NoDescriptors+f.NoBuffers > 0}
	m.most = 800_000
	if f.Bandwidth > 0 {
		m.most = min(m.most, f.Bandwidth/4)
	}
	if f.SmallBuffers > 0 || f.Split > 0.3 {
		m.most = 2000
	}
	return m
}

// chance returns true with a probability.
func (m *httpModel) chance(p float64) bool { return m.rand.Float64() < p }

// upTo returns a duration below d.
func (m *httpModel) upTo(d time.Duration) time.Duration {
	return time.Duration(m.rand.Int64N(int64(d)))
}

// size draws the length of a body.
func (m *httpModel) size() int {
	if m.most < 10_000 {
		return m.rand.IntN(m.most)
	}
	switch m.rand.IntN(10) {
	case 0, 1:
		return 0
	case 2, 3, 4:
		return 1 + m.rand.IntN(100)
	case 5, 6, 7:
		return m.rand.IntN(5000)
	case 8:
		return m.rand.IntN(min(m.most, 40_000))
	default:
		return m.rand.IntN(m.most)
	}
}

func (m *httpModel) content() httpContent {
	c := httpContent{size: m.size(), known: m.chance(0.5)}
	c.piece = 1 + m.rand.IntN(max(c.size/(1+m.rand.IntN(8)), 1))
	if m.chance(0.3) {
		c.pause = m.upTo(500 * time.Millisecond)
	}
	c.trailer = !c.known && m.chance(0.3)
	return c
}

// draw draws a transaction.
func (m *httpModel) draw() *httpTransaction {
	t := &httpTransaction{model: m, id: len(m.all), code: 200}
	m.all = append(m.all, t)
	m.left++
	methods := []evhttp.Method{evhttp.MethodGet, evhttp.MethodGet, evhttp.MethodHead, evhttp.MethodPost, evhttp.MethodPost,
		evhttp.MethodPut, evhttp.MethodDelete}
	t.method = methods[m.rand.IntN(len(methods))]
	t.stream = m.chance(0.4)
	if t.method == evhttp.MethodPost || t.method == evhttp.MethodPut {
		t.ask = m.content()
		t.expect = t.ask.size > 0 && m.chance(0.2)
	}
	t.answer = m.content()
	t.style = httpStyle(m.rand.IntN(int(answerPage)))
	if m.chance(0.15) {
		t.style = answerPage + httpStyle(m.rand.IntN(int(httpStyles-answerPage)))
	}
	switch {
	case m.chance(0.05):
		t.code, t.answer.size = []int{204, 304, 205}[m.rand.IntN(3)], 0
	case m.chance(0.1):
		t.code = []int{201, 206, 301, 302, 400, 404, 500, 599}[m.rand.IntN(8)]
	}
	if m.chance(0.1) {
		t.infos = 1 + m.rand.IntN(3)
	}
	if m.chance(0.4) {
		t.delay = m.upTo(2 * time.Second)
	}
	t.last, t.patient = m.chance(0.05), m.chance(0.5)
	t.early = t.stream && t.ask.size > 0 && m.chance(0.1)
	t.settle()
	if m.ways {
		m.drawWay(t)
	}
	t.shaky = t.shaky || t.early
	return t
}

// settle makes what was drawn agree with itself.
func (t *httpTransaction) settle() {
	switch t.style {
	case answerPage:
		t.code, t.answer = 400+t.id%20, httpContent{size: 10 + t.id, known: true}
	case answerAbort, answerCancel, answerFree, answerBroken:
		t.doomed = true
		t.answer.size = max(t.answer.size, 2)
		t.answer.piece = min(t.answer.piece, max(t.answer.size/4, 1))
		if t.code < 200 || t.code == 204 || t.code == 205 || t.code == 304 {
			t.code = 200
		}
	case answerNever:
		t.doomed = true
	case answerPanic:
		t.code, t.anyCode = 500, true
	case answerSwitch:
		t.code, t.answer, t.ask, t.expect = 101, httpContent{}, httpContent{}, false
		t.method, t.stream = evhttp.MethodGet, false
	}
	if t.method == evhttp.MethodHead && t.style == answerPaced {
		t.style = answerParts
	}
}

// hasBody reports whether the answer has a body.
func (t *httpTransaction) hasBody() bool {
	return t.method != evhttp.MethodHead && t.code >= 200 && t.code != 204 && t.code != 205 && t.code != 304
}

// wanted returns how many bytes the body of the answer has.
func (t *httpTransaction) wanted() int {
	if !t.hasBody() {
		return 0
	}
	return t.answer.size
}

// chunked reports whether the answer is to come in chunks, where HTTP/1.1 is spoken.
func (t *httpTransaction) chunked() bool {
	switch t.style {
	case answerParts, answerPaced, answerSource, answerTimed:
		return !t.answer.known && t.hasBody()
	}
	return false
}

// idempotent reports whether the request may be sent twice.
func (t *httpTransaction) idempotent() bool { return t.method != evhttp.MethodPost }

// path returns the path of the request.
func (t *httpTransaction) path() string {
	if t.stream {
		return fmt.Sprintf("/stream/%d", t.id)
	}
	return fmt.Sprintf("/whole/%d", t.id)
}

func (t *httpTransaction) String() string {
	s := fmt.Sprintf("request %d, %v %s with %d bytes, style %d, status %d with %d", t.id, t.method, t.path(), t.ask.size,
		t.style, t.code, t.answer.size)
	for _, p := range []struct {
		is   bool
		name string
	}{{t.expect, "expect"}, {t.doomed, "doomed"}, {t.shaky, "shaky"}, {t.last, "last"}, {t.ask.known, "known"},
		{t.answer.known, "known answer"}, {t.answer.trailer, "trailer"}} {
		if p.is {
			s += ", " + p.name
		}
	}
	return s
}

// errorf reports what is wrong.
func (t *httpTransaction) errorf(format string, args ...any) {

	if t.model.w.T().Failed() {
		return // what follows is of no interest
	}
	t.model.w.Failf("%v: %s", t, fmt.Sprintf(format, args...))
}

// askSeed and answerSeed are where the bodies begin in the pattern.
func (t *httpTransaction) askSeed() int    { return 2*t.id + 1 }
func (t *httpTransaction) answerSeed() int { return 2*t.id + 2 }

// httpPattern is what bodies are parts of: no two begin alike, and no part of one looks
// like another.
var httpPattern = func() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 1<<17)
	for i := 0; i < 1<<16; i++ {
		p[i] = byte(r.Uint32())
		p[i+1<<16] = p[i]
	}
	return p
}()

// httpBytes returns n bytes of a body, from one on. They must not be changed.
func httpBytes(seed, from, n int) []byte {
	if n > 1<<16 {
		p := make([]byte, 0, n)
		for len(p) < n {
			p = append(p, httpBytes(seed, from+len(p), min(n-len(p), 1<<16))...)
		}
		return p
	}
	at := (seed*7919 + from) & (1<<16 - 1)
	return httpPattern[at : at+n]
}

// httpSame compares a part of a body, and returns where it is another one.
func httpSame(seed, from int, p []byte) error {
	for done := 0; done < len(p); {
		n := min(len(p)-done, 1<<16)
		want := httpBytes(seed, from+done, n)
		if string(p[done:done+n]) != string(want) {
			for i := range want {
				if p[done+i] != want[i] {
					return fmt.Errorf("byte %d of the body is another one", from+done+i)
				}
			}
		}
		done += n
	}
	return nil
}

// httpTake takes up to n bytes out of a buffer, and compares them with those of a body.
func httpTake(b *evbuffer.Buffer, seed, from, n int) (int, error) {
	p := make([]byte, min(n, b.Len()))
	if _, err := b.Remove(p); err != nil {
		return 0, err
	}
	return len(p), httpSame(seed, from, p)
}

// httpAfter has fn called by a loop after a time. It does nothing if the base is freed.
func httpAfter(base *event.Base, d time.Duration, fn func()) {
	if d <= 0 {
		_ = base.Post(fn) // fails only for a base that was freed
		return
	}
	_ = base.Once(-1, event.Timeout, d, func(*event.Event, event.What) { fn() }) // as above
}

// sent notes that the client sends the request.
func (t *httpTransaction) sent(by *evtest.Host) {
	t.client, t.sentAt = by, t.model.w.Now()
}

// end notes how the request has ended for the client, which must be told once.
func (t *httpTransaction) end(err error) {
	if t.over {
		t.errorf("is over twice, the second time with %v", err)
		return
	}
	t.model.w.Note("%d is over: %v", t.id, err)
	t.over, t.outcome = true, err
	t.model.left--
	if err != nil {
		if untrue := t.untrue(err); untrue != "" {
			t.errorf("%v: %s", err, untrue)
		}
		return
	}
	t.model.checkAnswered(t)
}

// checkAnswered checks what must be true of a transaction whose answer is complete for
// the client.
func (m *httpModel) checkAnswered(t *httpTransaction) {
	switch {
	case t.anyCode:
	case t.garbage && t.method == evhttp.MethodHead: // what comes behind the header does not matter
	case t.doomed && t.hasBody():
		t.errorf("an answer that was cut off is complete")
	case t.tooLarge():
		t.errorf("an answer that is too large is complete")
	case t.handled == 0:
		t.errorf("is answered, but no handler was called")
	case t.ended == 0 && t.chunked() && t.way != wayMore:
		t.errorf("is answered, but the answer is not complete on the server")
	case t.got != t.wanted():
		t.errorf("%d bytes have come of %d", t.got, t.wanted())
	case t.told != t.infos*min(t.begun, 1):
		t.errorf("%d informational answers have come of %d", t.told, t.infos)
	}
}

// mayFail reports whether the request may fail.
func (t *httpTransaction) mayFail() bool {
	return t.model.harsh || t.doomed || t.shaky || t.tooLarge() || t.model.restarted && t.handled == 0
}

// tooLarge reports whether the answer is larger than the client takes.
func (t *httpTransaction) tooLarge() bool {
	return t.model.room > 0 && int64(t.wanted()) > t.model.room
}

// closes reports whether the server may close a connection that its client takes for one
// that is kept.
func (m *httpModel) closes() bool {
	return m.idle > 0 || slices.ContainsFunc(m.all, func(t *httpTransaction) bool { return t.doomed && !t.hasBody() })
}

// stuck reports whether a request may wait at the proxy behind one that is never answered.
func (m *httpModel) stuck() bool {
	return m.proxied && slices.ContainsFunc(m.all, func(t *httpTransaction) bool { return t.style == answerNever })
}

// untrue returns why the request cannot have failed for a reason, or nothing.
func (t *httpTransaction) untrue(err error) string {
	var e *evhttp.Error
	if !errors.As(err, &e) {
		return "it is no Error"
	}
	if !t.mayFail() && !(e.Code == evhttp.ReqTimeout && t.model.stuck()) {
		return "nothing has gone wrong"
	}
	errno, system := errors.AsType[syscall.Errno](err)
	switch {
	case e.Err == nil:
		return "there is no cause"
	case e.Code == evhttp.ReqTimeout && !t.shared && t.model.w.Now().Sub(t.sentAt) < httpLeastTimeout:
		return "there was time"
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return "an end that is no error"
	case system && !t.client.SawError(errno, t.sentAt.Add(-httpSettled)):
		return "no call has failed so"
	case t.garbage && !t.model.harsh && e.Code != evhttp.ReqInvalidHeader && e.Code != evhttp.ReqCancel && t.handled > 0 && t.begun > 0:
		return "the answer was none"
	case !t.garbage && e.Code == evhttp.ReqInvalidHeader && t.way != wayMore:
		return "the answer was one"
	case e.Code == evhttp.ReqBufferError || e.Code == evhttp.ReqDataTooLong && !t.tooLarge():
		return "there was room"
	case errors.Is(err, os.ErrDeadlineExceeded) && !system && e.Code != evhttp.ReqTimeout:
		return "a timeout with another code"
	}
	return ""
}

// target returns the target of the request.
func (t *httpTransaction) target() string {
	if t.absolute {
		return "http://server.test" + t.path()
	}
	return t.path()
}

// httpSettled is how long before a request its connection may have failed, at most, which
// is noticed only with it.
const httpSettled = time.Second

// httpLeastTimeout is the shortest time that any client's timeout is set to.
const httpLeastTimeout = 5 * time.Second

// checkEnd checks what both sides have counted.
func (m *httpModel) checkEnd() {
	for _, t := range m.all {
		m.checkCounts(t)
	}
}

func (m *httpModel) checkCounts(t *httpTransaction) {
	switch {
	case !t.over:
		t.errorf("is not over")
	case t.handled > 2 && !(t.model.proxied && t.handled <= 4) || t.handled > 1 && !t.idempotent():
		t.errorf("has come to its handler %d times", t.handled)
	case t.handled > 1 && !t.reused && !t.model.proxied:
		t.errorf("has come to its handler %d times, though its connection was new", t.handled)
	case t.ended > t.begun || t.begun > t.handled:
		t.errorf("%d calls, %d answers begun, %d ended", t.handled, t.begun, t.ended)
	case t.complete > t.ended && !t.anyCode && !t.model.harsh:
		t.errorf("%d answers were sent of %d", t.complete, t.ended)
	case t.model.unlogged:
	case t.logged > t.handled && !t.anyCode && !t.model.harsh:
		t.errorf("%d lines in the log for %d answers", t.logged, t.begun)
	case t.logged < t.ended:
		t.errorf("%d lines in the log for %d answers that were complete", t.logged, t.ended)
	}
}

// Names of header fields.
const (
	httpID      = "X-Id"
	httpSum     = "X-Sum"
	httpUpgrade = "echo"
)

// sum is the value of the trailer field of a body.
func (c httpContent) sum(seed int) string { return fmt.Sprintf("%d-%d", seed, c.size) }
