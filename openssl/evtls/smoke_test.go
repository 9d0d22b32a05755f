package evtls_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
)

func selfSigned(t testing.TB) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func testEcho(t *testing.T, workers *evtls.Workers) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}, Workers: workers}
	l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, -1, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		b, err := evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
		if err != nil {
			t.Error(err)
			return
		}
		b.SetCallbacks(func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			t.Log(what, b.Err())
			if what&bufferevent.EventEOF != 0 {
				b.CloseWrite()
			}
			if what&bufferevent.EventError != 0 {
				b.Free()
				base.LoopExit(0)
			}
		})
		b.Enable(event.Read)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Free()
	data := make([]byte, 5<<20)
	rand.Read(data)
	result := make(chan error, 1)
	go func() {
		defer base.LoopExit(0)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			result <- err
			return
		}
		defer c.Close()
		tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		go func() {
			tc.Write(data)
			tc.CloseWrite()
		}()
		got, err := io.ReadAll(tc)
		if !bytes.Equal(got, data) {
			t.Error("differs", len(got))
		}
		result <- err
	}()
	base.Dispatch()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestEcho(t *testing.T)        { testEcho(t, nil) }
func TestEchoWorkers(t *testing.T) { testEcho(t, evtls.NewWorkers(1)) }
