//go:build unix

package evtls_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestCurl gives curl a page that ends with the stream. (One that was cut off curl
// takes for a whole one.)
func TestCurl(t *testing.T) {
	curl := program(t, "curl")
	a := newPeerCA(t)
	cfg := serverConfig(a.issue(t))
	cfg.NextProtos = []string{"http/1.1"}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			us := newOurSide(t)
			srv := us.listen(func(s *server, fd int) error {
				b, err := evtls.NewSocket(us.base, fd, evtls.Accepting, &evtls.Config{TLS: cfg}, bufferevent.CloseOnFree)
				if err == nil {
					s.sessions <- us.newSession(b, false)
				}
				return err
			})
			peer := start(t, nil, curl, "-q", "-sS", "-N", "--noproxy", "*", "--cacert", a.certFile,
				"--tlsv"+v.curl, "--tls-max", v.curl,
				"--resolve", "localhost:"+srv.port+":127.0.0.1", "https://localhost:"+srv.port+"/page")
			ours := srv.next()
			state := ours.state()
			if state.Version != v.number || state.NegotiatedProtocol != "http/1.1" || state.ServerName != "localhost" {
				t.Errorf("got version %#x, protocol %q and server name %q", state.Version, state.NegotiatedProtocol, state.ServerName)
			}
			ours.expect("GET /page HTTP/1.1\r\n")
			ours.expect("\r\n\r\n")
			ours.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello from here\n")
			peer.expect("hello from here\n")
			ours.closeWrite()
			if status := peer.exit(); status != 0 {
				t.Errorf("curl ended with status %d", status)
			}
			ours.wantEOF()
		})
	}
}
