package evhttp_test

import (
	"errors"
	"io"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// errBroken is why the stream of breakable fails.
var errBroken = errors.New("broken")

// breakable makes a stream that fails with the first write once broken says so.
func breakable(broken *bool) evhttp.StreamFunc {
	out := func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
		if *broken {
			return errBroken
		}
		return dst.AddBuffer(src)
	}
	return func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
		if err != nil {
			return nil, err
		}
		return bufferevent.NewFilter(under, nil, out, bufferevent.CloseOnFree, nil)
	}
}

// onePiece is a source that yields the same piece for ever.
type onePiece struct{ closed error }

func (s *onePiece) Next(piece *evbuffer.Buffer) error { return piece.AddString("piece") }
func (s *onePiece) Close(err error)                   { s.closed = err }

// TestAnswersOverStreamsThatHaveFailed has the stream fail while an answer is made, and goes
// on with that before the loop tells of the failure.
func TestAnswersOverStreamsThatHaveFailed(t *testing.T) {
	start := func(r *evhttp.Request) error { return r.SendReplyStart(200, "") }
	sized := func(r *evhttp.Request) error {
		_ = r.OutputHeaders().Set("Content-Length", "5") // a valid field
		return r.SendReplyStart(200, "")
	}
	inform := func(r *evhttp.Request) error { return r.SendInformational(103) }
	for _, tt := range []struct {
		name  string
		begin func(r *evhttp.Request) error // breaks the stream
		call  func(r *evhttp.Request) error
	}{
		{"a reply", inform, func(r *evhttp.Request) error { return r.SendReply(200, "", servertest.Text("hello")) }},
		{"a short reply", inform, func(r *evhttp.Request) error { return r.SendReplyBytes(200, "", []byte("hello")) }},
		{"a long reply", inform, func(r *evhttp.Request) error { return r.SendReplyBytes(200, "", make([]byte, 1<<20)) }},
		{"an error", inform, func(r *evhttp.Request) error { return r.SendError(404, "") }},
		{"the beginning of a reply", inform, start},
		{"an interim reply", inform, inform},
		{"a source", inform, func(r *evhttp.Request) error {
			src := new(onePiece)
			err := r.SendReplySource(200, "", src)
			if !errors.Is(src.closed, errBroken) {
				t.Errorf("source closed with %v", src.closed)
			}
			return err
		}},
		{"a chunk", start, func(r *evhttp.Request) error { return r.SendReplyChunk(servertest.Text("hello")) }},
		{"a part", sized, func(r *evhttp.Request) error { return r.SendReplyChunk(servertest.Text("hello")) }},
		{"a chunk that is waited for", start, func(r *evhttp.Request) error {
			return r.SendReplyChunkFunc(servertest.Text("hello"), func() { t.Error("it has left") })
		}},
		{"the end", start, func(r *evhttp.Request) error { return r.SendReplyEnd() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			broken := false
			told := make(chan error, 2)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetStreamFunc(breakable(&broken))
				s.SetGenericCallback(func(r *evhttp.Request) {
					r.SetErrorCallback(func(_ *evhttp.Request, err error) { told <- err })
					broken = true
					if err := tt.begin(r); err != nil {
						t.Errorf("the call that breaks the stream: %v", err)
					}
					if err := tt.call(r); !errors.Is(err, evhttp.ErrDone) || !errors.Is(err, errBroken) {
						t.Errorf("error %v", err)
					}
				})
			})
			c := servertest.Connect(t, addr)
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := servertest.Await(t, told, "the error callback"); !errors.Is(err, errBroken) {
				t.Errorf("told of %v", err)
			}
			l.Do(func() {})
			if len(told) > 0 {
				t.Errorf("told once more, of %v", <-told)
			}
		})
	}
}
