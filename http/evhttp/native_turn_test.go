package evhttp_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A connection writes more than the default of its stream in a turn once it has an
// answer that does not fit into that, and goes on so.
func TestOnlyConnectionsWithLongAnswersHaveLongTurns(t *testing.T) {
	const inOneTurn = bufferevent.DefaultMaxSingleWrite
	piece := strings.Repeat("x", inOneTurn/2)
	whole := func(n int) func(r *evhttp.Request) {
		return func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text(strings.Repeat("x", n))) }
	}
	tests := map[string]struct {
		answers []func(r *evhttp.Request)
		long    bool
	}{
		"short answers":  {answers: []func(r *evhttp.Request){whole(1), whole(inOneTurn / 2), whole(1)}},
		"a long one":     {answers: []func(r *evhttp.Request){whole(2 * inOneTurn)}, long: true},
		"after short":    {answers: []func(r *evhttp.Request){whole(1), whole(2 * inOneTurn)}, long: true},
		"before short":   {answers: []func(r *evhttp.Request){whole(2 * inOneTurn), whole(1)}, long: true},
		"in many chunks": {answers: []func(r *evhttp.Request){inChunks(piece, 3)}, long: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			turns := make(chan int, len(tt.answers))
			_, addr := l.Serve(func(s *evhttp.Server) {
				answers := tt.answers
				s.SetGenericCallback(func(r *evhttp.Request) {
					answer, b := answers[0], r.Conn().Bufferevent()
					answers = answers[1:]
					answer(r)
					turns <- b.MaxSingleWrite()
				})
			})
			c := servertest.Connect(t, addr)
			in := bufio.NewReader(c)
			var turn int
			for range tt.answers {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				answer, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, answer.Body); err != nil {
					t.Fatal(err)
				}
				turn = servertest.Await(t, turns, "the answer")
			}
			want := inOneTurn
			if tt.long {
				want = 1 << 20
			}
			if turn != want {
				t.Errorf("at most %d bytes are written in a turn, want %d", turn, want)
			}
		})
	}
}

// inChunks answers with the same chunk several times.
func inChunks(chunk string, times int) func(r *evhttp.Request) {
	return func(r *evhttp.Request) {
		r.SendReplyStart(200, "")
		for range times {
			r.SendReplyChunk(servertest.Text(chunk))
		}
		r.SendReplyEnd()
	}
}
