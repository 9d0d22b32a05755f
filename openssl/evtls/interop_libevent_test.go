//go:build unix

package evtls_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/go-libevent/libevent/openssl/evtls"
)

// A cPeer is testdata/peer.c, compiled: bufferevent_openssl of C's libevent.
type cPeer string

func newCPeer(t testing.TB) cPeer {
	t.Helper()
	return cPeer(compileC(t, "peer", "-levent_openssl", "-levent_core", "-lssl", "-lcrypto"))
}

// eachShape runs a test with both versions of TLS and both kinds of bufferevents
// that C has for it.
func eachShape(t *testing.T, test func(t *testing.T, shape, version string)) {
	for _, version := range []string{"1.2", "1.3"} {
		for _, shape := range []string{"socket", "filter"} {
			t.Run(fmt.Sprintf("TLS %s/%s", version, shape), func(t *testing.T) { test(t, shape, version) })
		}
	}
}

// client starts a client of C's, which sends size bytes, wants them back, and ends.
func (c cPeer) client(s *server, a *peerCA, shape, version string, size int, end string) *process {
	s.t.Helper()
	return start(s.t, nil, string(c), "client", shape, version, a.certFile, s.port, strconv.Itoa(size), end)
}

// server starts a server of C's, and returns its port.
func (c cPeer) server(t testing.TB, own credential, shape, version, end string) (*process, string) {
	t.Helper()
	p := start(t, nil, string(c), "server", shape, version, own.certFile, own.keyFile, end)
	return p, p.match(t, `port (\d+)\n`)
}

// wantDone checks that C's program has ended well.
func (p *process) wantDone() {
	p.t.Helper()
	p.expect("done\n")
	if status := p.exit(); status != 0 {
		p.t.Errorf("the peer ended with status %d", status)
	}
}

const manyBytes = 5 << 20

// TestCClientBulk echoes what a client of C's sends, until it has ended its
// stream.
func TestCClientBulk(t *testing.T) {
	c, a := newCPeer(t), newPeerCA(t)
	own := a.issue(t)
	eachShape(t, func(t *testing.T, shape, version string) {
		srv := newOurSide(t).serve(serverConfig(own), 0)
		peer := c.client(srv, a, shape, version, manyBytes, "notify")
		ours := srv.next()
		peer.expect("connected TLSv" + version)
		peer.expect("all came back")
		ours.wantEOF()
		peer.wantDone()
	})
}

// TestCServerBulk has a server of C's echo what we send.
func TestCServerBulk(t *testing.T) {
	c, a := newCPeer(t), newPeerCA(t)
	own, data := a.issue(t), noise(manyBytes)
	eachShape(t, func(t *testing.T, shape, version string) {
		us := newOurSide(t)
		peer, port := c.server(t, own, shape, version, "notify")
		ours := us.connect(port, clientConfig(a))
		ours.send(string(data))
		ours.take(t, data)
		peer.expect("connected TLSv" + version)
		ours.send("end")
		ours.wantEOF()
		peer.wantDone()
	})
}

// TestCEndsItsStream tells apart how the peer ends.
func TestCEndsItsStream(t *testing.T) {
	c, a := newCPeer(t), newPeerCA(t)
	own := a.issue(t)
	tests := []struct {
		end   string
		flags evtls.Flags
		want  func(*session)
	}{
		{"notify", 0, (*session).wantEOF},
		{"notify", evtls.DirtyShutdown, (*session).wantEOF},
		{"cut", 0, (*session).wantTruncated},
		{"cut", evtls.DirtyShutdown, (*session).wantEOF},
	}
	eachShape(t, func(t *testing.T, shape, version string) {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, flags %d", test.end, test.flags), func(t *testing.T) {
				us := newOurSide(t)
				srv := us.serve(serverConfig(own), test.flags)
				peer := c.client(srv, a, shape, version, 1000, test.end)
				ours := srv.next()
				peer.expect("all came back")
				test.want(ours)
				peer.wantDone()
			})
		}
	})
}

// TestCSeesOurEnd has C tell apart how we end.
func TestCSeesOurEnd(t *testing.T) {
	c, a := newCPeer(t), newPeerCA(t)
	own := a.issue(t)
	ends := []struct {
		name string
		do   func(*session)
		says string
	}{
		{"close_notify", (*session).closeWrite, `(event reading eof\n)`},
		// A filter of C's does not say that it was reading.
		{"cut", (*session).free, `(event( reading)? error\n)`},
	}
	eachShape(t, func(t *testing.T, shape, version string) {
		for _, end := range ends {
			t.Run("client/"+end.name, func(t *testing.T) {
				srv := newOurSide(t).serve(serverConfig(own), 0)
				peer := c.client(srv, a, shape, version, 1000, "wait")
				ours := srv.next()
				peer.expect("all came back")
				end.do(ours)
				peer.match(t, end.says)
				peer.wantDone()
			})
			t.Run("server/"+end.name, func(t *testing.T) {
				us := newOurSide(t)
				peer, port := c.server(t, own, shape, version, "wait")
				ours := us.connect(port, clientConfig(a))
				ours.send("hello")
				ours.expect("hello")
				end.do(ours)
				peer.match(t, end.says)
				peer.wantDone()
			})
		}
	})
}

// TestCClientRefusesServer has a client of C's find fault with our certificate.
func TestCClientRefusesServer(t *testing.T) {
	c, a, stranger := newCPeer(t), newPeerCA(t), newPeerCA(t)
	eachShape(t, func(t *testing.T, shape, version string) {
		srv := newOurSide(t).serve(serverConfig(a.issue(t)), 0)
		peer := c.client(srv, stranger, shape, version, 1000, "wait")
		srv.next().wantError()
		peer.expect("certificate verify failed")
	})
}
