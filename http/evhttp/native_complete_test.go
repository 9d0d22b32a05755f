package evhttp_test

import (
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// TestCompleteCallbacksAreCalledOnce sets the callback for the end of an answer in all
// places, before and after the answer is given, and expects it once all has left.
func TestCompleteCallbacksAreCalledOnce(t *testing.T) {
	answers := map[string]func(r *evhttp.Request){
		"short": func(r *evhttp.Request) { r.SendReplyBytes(200, "", []byte("fine")) },
		"empty": func(r *evhttp.Request) { r.SendReply(204, "", nil) },
		"large": func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text(strings.Repeat("x", 8<<20))) },
		"error": func(r *evhttp.Request) { r.SendError(404, "") },
		"last": func(r *evhttp.Request) {
			r.OutputHeaders().Set("Connection", "close")
			r.SendReply(200, "", servertest.Text("fine"))
		},
		"chunks": func(r *evhttp.Request) {
			r.SendReplyStart(200, "")
			r.SendReplyChunk(servertest.Text("fine"))
			r.SendReplyEnd()
		},
	}
	orders := map[string]func(r *evhttp.Request, answer, set func()){
		"before":          func(r *evhttp.Request, answer, set func()) { set(); answer() },
		"after":           func(r *evhttp.Request, answer, set func()) { answer(); set() },
		"twice":           func(r *evhttp.Request, answer, set func()) { set(); answer(); set() },
		"after, twice":    func(r *evhttp.Request, answer, set func()) { answer(); set(); set() },
		"before, outside": func(r *evhttp.Request, answer, set func()) { set(); r.Conn().Base().Post(answer) },
		"after, outside":  func(r *evhttp.Request, answer, set func()) { r.Conn().Base().Post(func() { answer(); set() }) },
		"after, when it ends": func(r *evhttp.Request, answer, set func()) {
			base := r.Conn().Base()
			r.Own()
			answer()
			base.Post(set)
		},
		"after, as a part is sent": func(r *evhttp.Request, answer, set func()) {
			r.SendReplyStart(200, "")
			r.SendReplyChunkFunc(servertest.Text("fine"), func() { r.SendReplyEnd(); set() })
		},
	}
	for place, order := range orders {
		for name, answer := range answers {
			if place == "after, when it ends" && name == "last" {
				continue // the connection has ended, too
			}
			t.Run(place+"/"+name, func(t *testing.T) {
				l := servertest.NewLoop(t)
				told := make(chan bool, 9)
				handle := func(r *evhttp.Request) {
					order(r, func() { answer(r) }, func() {
						r.SetCompleteCallback(func(r *evhttp.Request) {
							c := r.Conn()
							told <- c != nil && c.Bufferevent().Output().Len() == 0
						})
					})
				}
				_, addr := l.Serve(func(s *evhttp.Server) { s.SetGenericCallback(handle) })
				c := servertest.Connect(t, addr)
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				go io.Copy(io.Discard, c)
				if !servertest.Await(t, told, "the callback") {
					t.Error("not all has left")
				}
				l.Do(func() {})
				l.Do(func() {})
				if n := len(told); n > 0 {
					t.Errorf("called %d times more", n)
				}
			})
		}
	}
}

// TestCompleteCallbacksOfPipelinedRequests sets them when the answers are given.
func TestCompleteCallbacksOfPipelinedRequests(t *testing.T) {
	const requests = 5
	l := servertest.NewLoop(t)
	told := make(chan string, 2*requests)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			r.SendReply(200, "", servertest.Text("fine"))
			r.SetCompleteCallback(func(r *evhttp.Request) { told <- r.URI() })
		})
	})
	c := servertest.Connect(t, addr)
	var all strings.Builder
	for i := range requests {
		all.WriteString("GET /" + string(rune('0'+i)) + " HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	io.WriteString(c, all.String())
	for i := range requests {
		if got, want := servertest.Await(t, told, "the callback"), "/"+string(rune('0'+i)); got != want {
			t.Errorf("told of %s, want %s", got, want)
		}
	}
}

// TestCompleteCallbacksOfAnswersThatAreCutOff are not called.
func TestCompleteCallbacksOfAnswersThatAreCutOff(t *testing.T) {
	for name, answer := range map[string]func(r *evhttp.Request){
		"cut off":   func(r *evhttp.Request) { r.SendReplyEnd() },
		"cancelled": func(r *evhttp.Request) { r.Cancel() },
		"closed":    func(r *evhttp.Request) { r.Conn().Free() },
	} {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			told := make(chan struct{}, 9)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericCallback(func(r *evhttp.Request) {
					r.OutputHeaders().Set("Content-Length", "9")
					r.SendReplyStart(200, "")
					r.SendReplyChunk(servertest.Text("x"))
					answer(r)
					r.SetCompleteCallback(func(*evhttp.Request) { told <- struct{}{} })
				})
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			io.Copy(io.Discard, c)
			l.Do(func() {})
			if len(told) > 0 {
				t.Error("it was called")
			}
		})
	}
}

// TestBodiesThatDoNotComeAfterTheAnswer has a client break its request off, or send
// something else, after it was answered: the callback is called, once, and the
// connection ends.
func TestBodiesThatDoNotComeAfterTheAnswer(t *testing.T) {
	for name, body := range map[string]string{
		"cut off":   "Content-Length: 9\r\n\r\npart",
		"malformed": "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\nmore\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			told := make(chan bool, 9)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericStream(func(r *evhttp.Request) {
					r.SetCompleteCallback(func(*evhttp.Request) { told <- true })
					r.SetFullDuplex(true) // so that the body is read
					r.SendReplyBytes(200, "", []byte("fine"))
				})
			})
			c := servertest.Connect(t, addr)
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+body)
			c.CloseWrite()
			answer, err := io.ReadAll(c)
			if err != nil || !strings.HasSuffix(string(answer), "fine") {
				t.Errorf("answer %q, error %v", answer, err)
			}
			servertest.Await(t, told, "the callback")
			l.Do(func() {})
			if n := len(told); n > 0 {
				t.Errorf("called %d times more", n)
			}
		})
	}
}

// TestPartsHaveLeftWhenThatIsTold has the write callback of the stream called though there
// is output, as one that was deferred can be.
func TestPartsHaveLeftWhenThatIsTold(t *testing.T) {
	l := servertest.NewLoop(t)
	waiting := make(chan int, 9)
	_, addr := l.Serve(func(s *evhttp.Server) {
		s.SetGenericCallback(func(r *evhttp.Request) {
			b := r.Conn().Bufferevent()
			r.SendReplyStart(200, "")
			r.SendReplyChunkFunc(servertest.Text("fine"), func() {
				waiting <- b.Output().Len()
				r.SendReplyEnd()
			})
			b.Trigger(event.Write, bufferevent.TrigIgnoreWatermarks)
		})
	})
	c := servertest.Connect(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if answer, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(answer), "4\r\nfine\r\n0\r\n\r\n") {
		t.Errorf("answer %q, error %v", answer, err)
	}
	if n := <-waiting; n > 0 {
		t.Errorf("%d bytes wait", n)
	}
}
