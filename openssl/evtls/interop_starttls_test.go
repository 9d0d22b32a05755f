//go:build unix

package evtls_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestSClientStartTLS speaks SMTP in clear until the client wants TLS, which then
// goes over the same bufferevent (RFC 3207).
func TestSClientStartTLS(t *testing.T) {
	openSSL(t)
	a := newPeerCA(t)
	own := a.issue(t)
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			srv := newOurSide(t).serveSMTP(&evtls.Config{TLS: serverConfig(own)})
			peer := srv.sClient(a, v.openssl, "-starttls", "smtp")
			ours := srv.next()
			if got := ours.state().Version; got != v.number {
				t.Errorf("got version %#x, want %#x", got, v.number)
			}
			peer.expect("Verify return code: 0 (ok)")
			peer.say("hello\n")
			ours.expect("hello\n")
			peer.expect("hello\n")
			peer.hangUp()
			ours.wantEOF()
			peer.exit()
		})
	}
}

// serveSMTP makes a server that knows as much of SMTP as it takes to begin TLS.
func (o *ourSide) serveSMTP(cfg *evtls.Config) *server {
	o.t.Helper()
	return o.listen(func(s *server, fd int) error {
		b, err := bufferevent.NewSocket(o.base, fd, bufferevent.CloseOnFree)
		if err != nil {
			return err
		}
		b.SetCallbacks(func(b *bufferevent.Bufferevent) { s.onCommand(b, cfg) }, nil, nil)
		b.WriteString("220 localhost ESMTP\r\n")
		return b.Enable(event.Read)
	})
}

// onCommand is the read callback while the connection is in clear.
func (s *server) onCommand(b *bufferevent.Bufferevent, cfg *evtls.Config) {
	for {
		line, err := b.Input().ReadLine(evbuffer.EOLCRLF)
		if err != nil {
			return
		}
		if line != "STARTTLS" {
			b.WriteString("250-localhost\r\n250 STARTTLS\r\n")
			continue
		}
		b.WriteString("220 go ahead\r\n")
		over, err := evtls.NewFilter(b, evtls.Accepting, cfg, bufferevent.CloseOnFree)
		if err != nil {
			s.t.Error(err)
			return
		}
		s.sessions <- s.newSession(over, true)
		return
	}
}
