package examples

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// startLimited starts rate-limited-server and returns it with its address.
func startLimited(t *testing.T, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "rate-limited-server", append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, p.lineAfter("listening on ")
}

// fetch reads everything that a new connection gets, and hangs up.
func fetch(t *testing.T, addr string) []byte {
	t.Helper()
	conn := dial(t, addr)
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Error(err)
	}
	conn.Close()
	return got
}

// characters is the text that rate-limited-server sends, up to size.
func characters(size int) []byte {
	var text []byte
	for line := 0; len(text) < size; line++ {
		for column := range 72 {
			text = append(text, ' '+byte((line+column)%95))
		}
		text = append(text, '\r', '\n')
	}
	return text[:size]
}

// moved reads how many bytes were sent in which time from a line.
func (p *process) moved(format string) (bytes int, took time.Duration) {
	p.t.Helper()
	line := p.line()
	var text string
	if _, err := fmt.Sscanf(line, format, &bytes, &text); err != nil {
		p.t.Fatalf("printed %q: %v", line, err)
	}
	took, err := time.ParseDuration(text)
	if err != nil {
		p.t.Fatalf("printed %q: %v", line, err)
	}
	return bytes, took
}

// checkRate checks that bytes took at least as long as a rate allows: in the
// ticks that time has touched no more could have been sent.
func checkRate(t *testing.T, bytes int, took time.Duration, rate int, tick time.Duration) {
	t.Helper()
	ticks := int(took/tick) + 2
	if most := ticks * int(float64(rate)*tick.Seconds()); bytes > most {
		t.Errorf("%d bytes in %v, which is more than %d bytes per second allow: %d", bytes, took, rate, most)
	}
}

func TestRateLimitedServerSendsText(t *testing.T) {
	for _, size := range []int{1, 7030, 7031, 1 << 20} {
		p, addr := startLimited(t, "-size", fmt.Sprint(size))
		if got := fetch(t, addr); !bytes.Equal(got, characters(size)) {
			t.Errorf("%d bytes came for %d, or they differ", len(got), size)
		}
		if n, _ := p.moved("client 1: %d bytes in %s"); n != size {
			t.Errorf("says that it has sent %d of %d bytes", n, size)
		}
	}
}

func TestRateLimitedServerSendsAFile(t *testing.T) {
	data := randomData(1, 10<<20)
	_, addr := startLimited(t, "-file", tempFile(t, data))
	for range 2 {
		if err := sameHash(bytes.NewReader(fetch(t, addr)), data); err != nil {
			t.Error(err)
		}
	}
}

func TestRateLimitedServerKeepsToTheLimitOfAConnection(t *testing.T) {
	const rate, size, tick = 200_000, 40_000, 10 * time.Millisecond
	for name, args := range map[string][]string{
		"text": {"-size", fmt.Sprint(size)},
		"file": {"-file", tempFile(t, randomData(1, size))},
	} {
		t.Run(name, func(t *testing.T) {
			p, addr := startLimited(t, append(args, "-rate", fmt.Sprint(rate), "-tick", tick.String())...)
			if got := fetch(t, addr); len(got) != size {
				t.Errorf("%d bytes came for %d", len(got), size)
			}
			n, took := p.moved("client 1: %d bytes in %s")
			checkRate(t, n, took, rate, tick)
		})
	}
}

func TestRateLimitedServerKeepsToTheLimitOfAllTogether(t *testing.T) {
	const rate, size, clients, tick = 400_000, 40_000, 3, 10 * time.Millisecond
	p, addr := startLimited(t, "-group-rate", fmt.Sprint(rate), "-size", fmt.Sprint(size),
		"-tick", tick.String(), "-min-share", "100")
	var conns [clients]*net.TCPConn
	for i := range conns {
		conns[i] = dial(t, addr)
	}
	for i, conn := range conns {
		if err := receive(conn, characters(size)); err != nil {
			t.Errorf("client %d: %v", i+1, err)
		}
		conn.Close()
	}
	for range conns {
		p.lineAfter("client ")
	}
	p.signal(syscall.SIGTERM)
	n, took := p.moved(fmt.Sprintf("total: %d clients, 0 of them connected, %%d bytes sent, 0 received in %%s", clients))
	p.ends(0)
	if n != clients*size {
		t.Errorf("says that it has sent %d bytes, want %d", n, clients*size)
	}
	checkRate(t, n, took, rate, tick)
}

func TestRateLimitedServerServesOthersBesideClientsThatDoNotRead(t *testing.T) {
	_, addr := startLimited(t)
	dial(t, addr)
	reader := dial(t, addr)
	got := make([]byte, 1<<20)
	if _, err := io.ReadFull(reader, got); err != nil || !bytes.Equal(got, characters(len(got))) {
		t.Errorf("something else came, or %v", err)
	}
}

func TestRateLimitedServerSendsToClientsThatHaveEndedTheirStream(t *testing.T) {
	p, addr := startLimited(t, "-size", "40000", "-rate", "200000", "-tick", "10ms")
	conn := dial(t, addr)
	if err := sendAll(conn, []byte("a request")); err != nil {
		t.Fatal(err)
	}
	if err := receive(conn, characters(40000)); err != nil {
		t.Error(err)
	}
	p.lineAfter("client 1: 40000 bytes in ")
}

func TestRateLimitedServerPrintsTotalsOnATimerAndAtTheEnd(t *testing.T) {
	p, addr := startLimited(t, "-every", "10ms", "-size", "0")
	dial(t, addr)
	for line := p.lineAfter("total: "); line[0] == '0'; {
		line = p.lineAfter("total: ")
	}
	p.signal(os.Interrupt)
	rest := []byte(p.ends(0))
	last := bytes.LastIndex(rest, []byte("total: 1 clients, 0 of them connected, "))
	if last < 0 || bytes.Count(rest[last:], []byte("\n")) != 1 {
		t.Errorf("printed %q at the end, want totals in the last line", rest)
	}
}
