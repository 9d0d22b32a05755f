//go:build unix

package evtls_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestCurl gives curl a page that ends with the stream: a whole one, and one that
// is cut off, which looks the same but for the close_notify.
func TestCurl(t *testing.T) {
	const partial = 56 // curl: failure in receiving network data
	tests := []struct {
		name   string
		end    func(*session)
		status int
	}{
		{"whole", (*session).closeWrite, 0},
		{"cut off", (*session).free, partial},
	}
	curl := program(t, "curl")
	a := newPeerCA(t)
	for _, v := range []struct{ name, curl string }{{"TLS 1.2", "1.2"}, {"TLS 1.3", "1.3"}} {
		for _, test := range tests {
			t.Run(v.name+"/"+test.name, func(t *testing.T) {
				cfg := serverConfig(a.issue(t))
				cfg.NextProtos = []string{"http/1.1"}
				us := newOurSide(t)
				srv := us.listen(func(s *server, fd int) error {
					b, err := evtls.NewSocket(us.base, fd, evtls.Accepting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
					if err == nil {
						s.sessions <- us.newSession(b, false)
					}
					return err
				})
				peer := start(t, nil, curl, "-q", "-sS", "-N", "--noproxy", "*", "--cacert", a.certFile, "--tlsv"+v.curl, "--tls-max", v.curl,
					"--resolve", "localhost:"+srv.port+":127.0.0.1", "https://localhost:"+srv.port+"/page")
				ours := srv.next()
				if got := ours.state().NegotiatedProtocol; got != "http/1.1" {
					t.Errorf("negotiated %q, want http/1.1", got)
				}
				ours.expect("GET /page HTTP/1.1\r\n")
				ours.expect("\r\n\r\n")
				ours.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello from here\n")
				peer.expect("hello from here\n") // so that nothing is lost with the socket
				test.end(ours)
				if got := peer.exit(); got != test.status {
					t.Errorf("curl ended with status %d, want %d", got, test.status)
				}
			})
		}
	}
}
