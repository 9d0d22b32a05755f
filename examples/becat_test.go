package examples

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// startCat starts becat with a standard input and returns it together with the
// connection that it makes.
func startCat(t *testing.T, stdin io.Reader, flags ...string) (*process, *net.TCPConn) {
	t.Helper()
	l := listen(t)
	host, port, _ := net.SplitHostPort(l.Addr().String())
	p := startFrom(t, stdin, "becat", append(flags, host, port)...)
	return p, accept(t, l)
}

// startListener starts becat -l and returns it with its address.
func startListener(t *testing.T, stdin io.Reader, flags ...string) (p *process, addr string) {
	t.Helper()
	p = startFrom(t, stdin, "becat", append([]string{"-l", "-v"}, append(flags, "127.0.0.1", "0")...)...)
	return p, p.message("becat: listening on ")
}

// fileWith returns an open file that has data.
func fileWith(t *testing.T, data []byte) *os.File {
	t.Helper()
	f, err := os.Open(tempFile(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// pipe returns a pipe that is a standard input, and its other end.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// endless returns a standard input that has nothing, nor an end.
func endless(t *testing.T) *os.File {
	t.Helper()
	r, _ := pipe(t)
	return r
}

// crosswise sends data in both directions, through becat and the connection.
func crosswise(t *testing.T, p *process, conn *net.TCPConn, in, out []byte) {
	t.Helper()
	var all sync.WaitGroup
	for _, work := range []func() error{
		func() error { return sameHash(conn, in) },
		func() error { return sendAll(conn, out) },
		func() error { return sameHash(p.stdout, out) },
	} {
		all.Go(func() {
			if err := work(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p.ends(0)
}

func TestBecatCopiesBothWays(t *testing.T) {
	for name, tt := range map[string]struct {
		flags []string
		size  int
	}{
		"by default":         {nil, 10 << 20},
		"with small buffers": {[]string{"-buffer", "4096", "-b", "1000", "-max-write", "1000"}, 1 << 20},
		"with other flags":   {[]string{"-keepalive", "1m", "-t", "1m", "-T", "1m", "-rate", "1000000000"}, 10 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			flags, in, out := tt.flags, randomData(1, tt.size), randomData(2, tt.size)
			t.Run("from a pipe", func(t *testing.T) {
				p, conn := startCat(t, bytes.NewReader(in), flags...)
				crosswise(t, p, conn, in, out)
			})
			t.Run("from a file", func(t *testing.T) {
				p, conn := startCat(t, fileWith(t, in), flags...)
				crosswise(t, p, conn, in, out)
			})
			t.Run("listening", func(t *testing.T) {
				p, addr := startListener(t, bytes.NewReader(in), flags...)
				crosswise(t, p, dial(t, addr), in, out)
			})
		})
	}
}

func TestBecatWritesToAFile(t *testing.T) {
	data := randomData(3, 10<<20)
	f, err := os.OpenFile(tempFile(t, nil), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := listen(t)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := newProcess(t, "becat", "localhost", port)
	p.cmd.Stdout = f
	p.run()
	conn := accept(t, l)
	if err := errors.Join(receive(conn, nil), sendAll(conn, data)); err != nil {
		t.Fatal(err)
	}
	p.ends(0)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := sameHash(f, data); err != nil {
		t.Error(err)
	}
}

func TestBecatEndsOneDirectionAfterTheOther(t *testing.T) {
	r, w := pipe(t)
	p, conn := startCat(t, r)
	if err := sendAll(conn, []byte("the peer is first\n")); err != nil {
		t.Fatal(err)
	}
	p.expect("the peer is first")
	io.WriteString(w, "and then we")
	w.Close()
	if err := receive(conn, []byte("and then we")); err != nil {
		t.Error(err)
	}
	p.ends(0)
}

func TestBecatQuitsWithThePeerIfAsked(t *testing.T) {
	p, conn := startCat(t, endless(t), "-q")
	if err := sendAll(conn, []byte("goodbye\n")); err != nil {
		t.Fatal(err)
	}
	p.expect("goodbye")
	if err := receive(conn, nil); err != nil {
		t.Error(err)
	}
	p.ends(0)
}

func TestBecatServesOneConnectionAfterTheOther(t *testing.T) {
	p, addr := startListener(t, nil, "-k")
	for i := range 3 {
		conn, waiting := dial(t, addr), dial(t, addr)
		for _, conn := range []*net.TCPConn{conn, waiting} {
			if err := sendAll(conn, fmt.Appendf(nil, "connection %d\n", i)); err != nil {
				t.Fatal(err)
			}
		}
		for _, conn := range []*net.TCPConn{conn, waiting} {
			if err := receive(conn, nil); err != nil {
				t.Error(err)
			}
			p.expect(fmt.Sprint("connection ", i))
		}
	}
	p.signal(os.Interrupt)
	p.ends(0)
}

func TestBecatOutlivesAConnectionThatFailsIfItKeepsListening(t *testing.T) {
	p, addr := startListener(t, endless(t), "-k", "-q") // -q for Wine, see resetsAreSeen
	conn := dial(t, addr)
	io.WriteString(conn, "first\n")
	p.expect("first")
	conn.SetLinger(0) // Close resets the connection
	conn.Close()
	io.WriteString(dial(t, addr), "second\n")
	p.expect("second")
}

func TestBecatListensOnceAndOnlyForThisMachineByDefault(t *testing.T) {
	p := start(t, "becat", "-l", "-v", "0")
	addr := p.message("becat: listening on ")
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Errorf("it listens on %s", addr)
	}
	if err := exchange(dial(t, addr), nil); err != nil {
		t.Error(err)
	}
	p.ends(0)
}

func TestBecatListensAtAName(t *testing.T) {
	p := start(t, "becat", "-l", "-v", "localhost", "0")
	if err := exchange(dial(t, p.message("becat: listening on ")), nil); err != nil {
		t.Error(err)
	}
	p.ends(0)
}

func TestBecatKeepsToItsRate(t *testing.T) {
	const rate, size = 200_000, 100_000
	data := randomData(1, size)
	began := time.Now()
	p, conn := startCat(t, bytes.NewReader(data), "-rate", fmt.Sprint(rate))
	crosswise(t, p, conn, data, data)
	checkRate(t, size, time.Since(began), rate, 100*time.Millisecond)
}

func TestBecatEndsOnInterrupt(t *testing.T) {
	p, _ := startCat(t, endless(t))
	p.signal(os.Interrupt)
	p.ends(0)
}

func TestBecatFails(t *testing.T) {
	fails := func(t *testing.T, p *process, want string) {
		t.Helper()
		p.ends(1)
		if got := p.stderr.String(); !strings.HasPrefix(got, "becat: ") || !strings.Contains(got, want) {
			t.Errorf("stderr %q, want %q in it", got, want)
		}
	}
	t.Run("when nobody listens", func(t *testing.T) {
		l := listen(t)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		fails(t, start(t, "becat", "127.0.0.1", port), "connect")
	})
	t.Run("when nothing arrives", func(t *testing.T) {
		p, _ := startCat(t, nil, "-t", "10ms")
		fails(t, p, "read")
	})
	t.Run("when the peer resets the connection", func(t *testing.T) {
		if !resetsAreSeen {
			t.Skip("Wine's recv reports end of file after a reset")
		}
		p, conn := startCat(t, nil)
		conn.SetLinger(0)
		conn.Close()
		fails(t, p, "")
	})
	t.Run("when the name is unknown", func(t *testing.T) {
		fails(t, start(t, "becat", "no-such-host.invalid", "80"), "no-such-host.invalid")
	})
}
