package examples

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startProxy starts le-proxy in front of target and returns it with its address.
func startProxy(t *testing.T, target string, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "le-proxy", append(args, "127.0.0.1:0", target)...)
	return p, p.lineAfter("listening on ")
}

// listen listens on a free port for the rest of the test.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// accept takes a connection for the rest of the test.
func accept(t *testing.T, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	l.SetDeadline(time.Now().Add(deadline))
	conn, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// proxied returns both ends of a connection through le-proxy.
func proxied(t *testing.T, args ...string) (client, server *net.TCPConn, p *process) {
	t.Helper()
	l := listen(t)
	p, addr := startProxy(t, l.Addr().String(), args...)
	client = dial(t, addr)
	return client, accept(t, l), p
}

// sameHash reads up to the end of the stream and checks that it was data.
func sameHash(r io.Reader, data []byte) error {
	hash := sha256.New()
	n, err := io.Copy(hash, r)
	if err != nil {
		return fmt.Errorf("%d of %d bytes came: %w", n, len(data), err)
	}
	if want := sha256.Sum256(data); n != int64(len(data)) || !bytes.Equal(hash.Sum(nil), want[:]) {
		return fmt.Errorf("%d bytes came for %d, or they differ", n, len(data))
	}
	return nil
}

// A stream is a connection that can end in one direction: a *net.TCPConn or a
// *tls.Conn.
type stream interface {
	net.Conn
	CloseWrite() error
}

// sendAll writes data and ends the stream.
func sendAll(conn stream, data []byte) error {
	_, err := conn.Write(data)
	return errors.Join(err, conn.CloseWrite())
}

// bothWays sends 10 MB in each direction at once, and checks what comes.
func bothWays(t *testing.T, a, b stream) {
	t.Helper()
	there, back := randomData(1, 10<<20), randomData(2, 10<<20)
	var all sync.WaitGroup
	for _, work := range []func() error{
		func() error { return sendAll(a, there) },
		func() error { return sameHash(b, there) },
		func() error { return sendAll(b, back) },
		func() error { return sameHash(a, back) },
	} {
		all.Go(func() {
			if err := work(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestLeProxyPassesDataBothWays(t *testing.T) {
	for _, args := range [][]string{nil, {"-loops", "2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			client, server, p := proxied(t, args...)
			bothWays(t, client, server)
			if canSignal {
				p.signal(syscall.SIGTERM)
				p.ends(0)
			}
			if p.stderr.String() != "" {
				t.Errorf("stderr: %s", &p.stderr)
			}
		})
	}
}

func TestLeProxyPassesTheEndOfAStreamOn(t *testing.T) {
	client, server, _ := proxied(t)
	for _, tt := range []struct {
		name     string
		from, to *net.TCPConn
	}{
		{"the request", client, server},
		{"the reply", server, client},
	} {
		if err := errors.Join(sendAll(tt.from, []byte(tt.name)), receive(tt.to, []byte(tt.name))); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
	}
}

func TestLeProxyConnectsByName(t *testing.T) {
	l := listen(t)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, addr := startProxy(t, "localhost:"+port)
	client := dial(t, addr)
	if err := exchangeBetween(client, accept(t, l)); err != nil {
		t.Error(err)
	}
}

// exchangeBetween sends a little in each direction, without ending anything.
func exchangeBetween(a, b stream) error {
	for _, way := range [][2]stream{{a, b}, {b, a}} {
		message, got := []byte("over to you"), make([]byte, 11)
		if _, err := way[0].Write(message); err != nil {
			return err
		}
		if _, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, message) {
			return fmt.Errorf("received %q, %v", got, err)
		}
	}
	return nil
}

// stalledProxy returns a client that cannot send any more, because the server
// does not read, on both sides of le-proxy.
func stalledProxy(t *testing.T) (p *process, lazy *lazyClient, server *net.TCPConn) {
	t.Helper()
	l := listen(t)
	p, addr := startProxy(t, l.Addr().String())
	lazy = startLazyClient(t, addr)
	server = accept(t, l)
	if err := server.SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	other := dial(t, addr)
	echo := accept(t, l)
	go io.Copy(echo, echo)
	lazy.awaitStall(t, other)
	return p, lazy, server
}

func TestLeProxyDoesNotReadFasterThanTheOtherSide(t *testing.T) {
	_, lazy, server := stalledProxy(t)
	// With the other direction over, the end of this one is that of everything.
	if err := errors.Join(server.CloseWrite(), receive(lazy.conn, nil)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sameHash(slowReader{server}, lazy.data), <-lazy.done); err != nil {
		t.Error(err)
	}
}

func TestLeProxyDeliversWhatItHasFromAClientThatVanished(t *testing.T) {
	p, lazy, server := stalledProxy(t)
	lazy.conn.SetLinger(0) // Close resets the connection
	lazy.conn.Close()
	<-lazy.done
	got, err := io.ReadAll(server)
	if (err == nil) == resetsAreSeen || len(got) < 512<<10 || !bytes.HasPrefix(lazy.data, got) {
		t.Errorf("the server got %d bytes and %v, want the first half megabyte at least and a reset", len(got), err)
	}
	if canSignal {
		p.signal(syscall.SIGTERM)
		p.ends(0)
		if !strings.HasPrefix(p.stderr.String(), "le-proxy: 127.0.0.1:") {
			t.Errorf("stderr %q, want the address of the client", &p.stderr)
		}
	}
}

func TestLeProxyPassesResetsOn(t *testing.T) {
	if !resetsAreSeen {
		t.Skip("Wine's recv reports end of file after a reset")
	}
	for _, side := range []string{"client", "target"} {
		client, server, _ := proxied(t)
		if err := exchangeBetween(client, server); err != nil {
			t.Fatal(err)
		}
		from, to := client, server
		if side == "target" {
			from, to = server, client
		}
		from.SetLinger(0) // Close resets the connection
		from.Close()
		if got, err := io.ReadAll(to); err == nil {
			t.Errorf("the %s has reset its connection, and the other side has read %d bytes and the end", side, len(got))
		}
	}
}

func TestLeProxyHangsUpWhenTheTargetCannotBeReached(t *testing.T) {
	l := listen(t)
	unused := l.Addr().String()
	l.Close()
	_, addr := startProxy(t, unused)
	for range 2 { // it outlives the first one
		if got, err := io.ReadAll(dial(t, addr)); err != nil || len(got) > 0 {
			t.Errorf("received %q, %v, want the end of the stream", got, err)
		}
	}
}
