package dnstls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// patience is how long something may take before the test counts as failed.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// identity makes a certificate that nobody trusts.
func identity(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ok(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A strict connection notes whether the stream below TLS ends before TLS does.
type strict struct {
	net.Conn
	cut bool
}

func (c *strict) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cut = c.cut || err != nil
	return n, err
}

// serve runs a nameserver over TLS that does with each query as answer says, until
// that is false, and tells of each connection whether it was cut off.
func serve(t testing.TB, change func(cfg *tls.Config), answer func(c *tls.Conn, query []byte) (goOn bool)) (netip.AddrPort, chan bool) {
	t.Helper()
	cfg := &tls.Config{Certificates: []tls.Certificate{identity(t)}}
	if change != nil {
		change(cfg)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	cut := make(chan bool, 16)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer raw.Close()
				below := &strict{Conn: raw}
				c := tls.Server(below, cfg)
				for goOn := true; goOn; {
					var size [2]byte
					if _, err := io.ReadFull(c, size[:]); err != nil {
						break
					}
					query := make([]byte, binary.BigEndian.Uint16(size[:]))
					if _, err := io.ReadFull(c, query); err != nil {
						break
					}
					goOn = answer(c, query)
				}
				io.Copy(io.Discard, c)
				cut <- below.cut
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort(), cut
}

// reply answers a query for an address.
func reply(c *tls.Conn, query []byte) bool {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return false
	}
	m.Response = true
	m.Additionals = nil
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: m.Questions[0].Type, Class: m.Questions[0].Class, TTL: 60},
		Body:   &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}},
	}}
	answer, err := m.AppendPack(make([]byte, 2))
	if err != nil {
		return false
	}
	binary.BigEndian.PutUint16(answer, uint16(len(answer)-2))
	_, err = c.Write(answer)
	return err == nil
}

// newResolver makes a resolver with a nameserver over TLS.
func newResolver(t testing.TB, addr netip.AddrPort) (*event.Base, *evdns.Base) {
	t.Helper()
	base, err := event.NewBase()
	ok(t, err)
	t.Cleanup(base.Free)
	r, err := evdns.NewBase(base, 0)
	ok(t, err)
	t.Cleanup(func() { r.Free(false) })
	ok(t, r.AddTLSNameserver(addr, func(base *event.Base, addr netip.AddrPort) (*bufferevent.Bufferevent, error) {
		cfg := &evtls.Config{TLS: &tls.Config{InsecureSkipVerify: true, ServerName: "dns.test"}}
		b, err := evtls.NewSocket(base, -1, evtls.Connecting, cfg, bufferevent.CloseOnFree)
		if err != nil {
			return nil, err
		}
		return b, b.Connect(addr)
	}))
	return base, r
}

// lookUp looks a name up and returns with what error.
func lookUp(t testing.TB, base *event.Base, r *evdns.Base) (result error) {
	t.Helper()
	told, stuck := false, false
	_, err := r.ResolveIPv4("host.test", 0, func(_ evdns.Answer, err error) { told, result = true, err })
	ok(t, err)
	defer time.AfterFunc(patience, func() { base.Post(func() { stuck = true; base.LoopBreak() }) }).Stop()
	for !told && !stuck {
		_, err := base.Loop(event.LoopOnce)
		ok(t, err)
	}
	if !told {
		t.Fatal("no answer")
	}
	return result
}

func receive(t testing.TB, cut chan bool) bool {
	t.Helper()
	select {
	case c := <-cut:
		return c
	case <-time.After(patience):
		t.Fatal("the connection has not ended")
		return false
	}
}

// The resolver ends connections that it does not need in order.
func TestTheResolverSaysGoodbye(t *testing.T) {
	run := func(t *testing.T, base *event.Base, cut chan bool) {
		t.Helper()
		late := time.AfterFunc(patience, func() { base.LoopBreak() })
		defer late.Stop()
		ok(t, base.LoopExit(100*time.Millisecond))
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ok(t, err)
	}
	for name, end := range map[string]func(t *testing.T, base *event.Base, r *evdns.Base, cut chan bool){
		"resolver freed":      func(_ *testing.T, _ *event.Base, r *evdns.Base, _ chan bool) { r.Free(false) },
		"nameservers cleared": func(_ *testing.T, _ *event.Base, r *evdns.Base, _ chan bool) { r.ClearNameserversAndSuspend() },
		"the nameserver ends it": func(t *testing.T, base *event.Base, r *evdns.Base, cut chan bool) {
			run(t, base, cut)
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr, cut := serve(t, nil, func(c *tls.Conn, query []byte) bool {
				if reply(c, query) && name == "the nameserver ends it" {
					c.CloseWrite()
				}
				return true
			})
			base, r := newResolver(t, addr)
			if name == "the nameserver ends it" {
				// Something goes on, so that the connection is read.
				_, err := r.ResolveIPv4("host.test", 0, func(evdns.Answer, error) {})
				ok(t, err)
			} else {
				ok(t, lookUp(t, base, r))
			}
			end(t, base, r, cut)
			if name == "the nameserver ends it" {
				r.Free(false)
			}
			if receive(t, cut) {
				t.Error("the connection was cut off")
			}
		})
	}
}

// A fatal error ends a lookup with its reason.
func TestLookupsFailWithTheReasonOfTLS(t *testing.T) {
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	tests := []struct {
		name   string
		change func(cfg *tls.Config)
		answer func(c *tls.Conn, query []byte) bool
		is     func(error) bool
	}{
		{"client certificate wanted", func(cfg *tls.Config) { cfg.ClientAuth = tls.RequireAnyClientCert }, reply, as(new(tls.AlertError))},
		{"old version", func(cfg *tls.Config) { cfg.MaxVersion = tls.VersionTLS10; cfg.MinVersion = tls.VersionTLS10 }, reply, as(new(tls.AlertError))},
		{"plain text", nil, func(c *tls.Conn, _ []byte) bool {
			io.WriteString(c.NetConn(), "HTTP/1.1 400 Bad Request\r\n\r\n")
			return false
		}, as(new(tls.RecordHeaderError))},
		{"cut off", nil, func(c *tls.Conn, _ []byte) bool { c.NetConn().Close(); return false },
			func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, _ := serve(t, tt.change, tt.answer)
			base, r := newResolver(t, addr)
			ok(t, r.SetOption("attempts", "1"))
			if err := lookUp(t, base, r); err == nil || !tt.is(err) {
				t.Errorf("failed with %v", err)
			}
		})
	}
}
