package evhttp_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// Nobody has to tell evhttp about TLS: it asks the stream, once there is something to
// know. Handlers of net/http find it in their requests.
func TestConnectionsKnowOfTLS(t *testing.T) {
	stream := func(state tls.ConnectionState) evhttp.StreamFunc {
		return func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
			under, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
			if err != nil {
				return nil, err
			}
			return evhttp.OverSecured(under, state)
		}
	}
	for _, tt := range []struct {
		name, want string
		stream     evhttp.StreamFunc
	}{
		{"after the handshake", "name", stream(tls.ConnectionState{ServerName: "name", HandshakeComplete: true})},
		{"before it", "none", stream(tls.ConnectionState{ServerName: "name"})},
		{"a plain connection", "none", nil},
	} {
		for how, answer := range map[string]evhttp.Handler{
			"itself": func(r *evhttp.Request) {
				r.SendReplyBytes(200, "", []byte(serverNameOf(r.Conn().TLS())))
			},
			"a handler of net/http": evnethttp.InlineHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, serverNameOf(r.TLS))
			})),
		} {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				_, addr := servertest.NewLoop(t).Serve(func(s *evhttp.Server) {
					s.SetStreamFunc(tt.stream)
					s.SetGenericCallback(answer)
				})
				got := converse(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				if !strings.HasSuffix(got, "\r\n\r\n"+tt.want) {
					t.Errorf("got %q, want %s", got, tt.want)
				}
			})
		}
	}
}

func serverNameOf(state *tls.ConnectionState) string {
	if state == nil {
		return "none"
	}
	return state.ServerName
}
