package torture

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A client is a program that ends by itself.
type client struct {
	name string

	// command returns the program's command line.
	command func(t *testing.T) []string

	// meet does what must be done from outside while the program runs, or is nil.
	meet func(t *testing.T, p *process)

	// says is whether others wait for what the program writes to standard error,
	// which therefore does not fail.
	says bool

	// input is the program's standard input.
	input string

	// want is in the output of a program that has done its work.
	want string
}

// clients are all of them.
var clients = []client{
	{name: "time-test", command: fixed("time-test", "-n", "3", "-interval", "5ms"), want: "expiry 3"},
	{name: "watch-timing", command: fixed("watch-timing", "-d", "50ms", "-timers", "5"), want: "iterations"},
	{name: "signal-test", command: fixed("signal-test", "-n", "1"), meet: interrupted, want: ""},
	{name: "event-read-fifo", command: readingFIFO, meet: writeToFIFO, want: "read \"hello"},
	{name: "becat that listens", command: fixed("becat", "-l", "-v", "127.0.0.1", "0"), meet: answerCat, says: true, input: "a line\n", want: "an answer"},
	{name: "becat", command: dialling("becat"), input: "a line\n", want: "a line"},
	{name: "ssl-echo as a client", command: secureDialling, input: "a line\n", want: "a line"},
	{name: "dns-example as a client", command: asking, want: answerAddr},
	{name: "https-client", command: downloading, want: "a page"},
	{name: "http-connect", command: tunnelling, want: "a page"},
}

func fixed(name string, args ...string) func(*testing.T) []string {
	return func(*testing.T) []string { return program(name, args...) }
}

// interrupted sends a signal when the program waits for it.
func interrupted(t *testing.T, p *process) {
	if _, err := p.line(); err != nil {
		return // it has ended
	}
	// The program is a child of strace, of the same group.
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT)
}

func readingFIFO(t *testing.T) []string {
	return program("event-read-fifo", "-fifo", filepath.Join(t.TempDir(), "fifo"))
}

// writeToFIFO writes when the program says where to.
func writeToFIFO(t *testing.T, p *process) {
	line, err := p.line()
	if err != nil {
		return // it has ended
	}
	w, err := os.OpenFile(strings.TrimPrefix(line, "write to "), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return // it has just ended
	}
	defer w.Close()
	if _, err := w.WriteString("hello"); err != nil {
		t.Log(err) // nobody reads any more
	}
}

// answerCat connects when the program listens, and answers to what it sends.
func answerCat(t *testing.T, p *process) {
	const said = "becat: listening on "
	var addr string
	eventually(func() bool {
		_, rest, found := strings.Cut(p.stderr.String(), said)
		addr, _, found = strings.Cut(rest, "\n")
		return found || p.hasEnded()
	})
	conn, err := dial(addr)
	if err != nil {
		return // it has ended, or listens no more
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "an answer"); err != nil {
		t.Log(err) // it has hung up
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Log(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Log(err)
	}
}

// dialling is the command line of a program that connects to an echo server.
func dialling(name string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		host, port, err := net.SplitHostPort(startEcho(t))
		if err != nil {
			t.Fatal(err)
		}
		return program(name, host, port)
	}
}

func secureDialling(t *testing.T) []string {
	flags := certificate(t)
	cert, err := tls.LoadX509KeyPair(flags[1], flags[3])
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	addr := serveTCP(t, func(conn net.Conn) {
		secure := tls.Server(conn, config)
		io.Copy(secure, secure)
		secure.Close()
	})
	return program("ssl-echo", "-insecure", "-connect", addr)
}

func asking(t *testing.T) []string {
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	text := "nameserver " + startNameserver(t) + "\noptions timeout:1 attempts:3\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return program("dns-example", "-c", conf, questionName)
}

// page answers all requests with a page.
var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page\n") })

func downloading(t *testing.T) []string {
	s := httptest.NewTLSServer(page)
	t.Cleanup(s.Close)
	return program("https-client", "-insecure", "-timeout", "3s", s.URL)
}

func tunnelling(t *testing.T) []string {
	s := httptest.NewServer(page)
	t.Cleanup(s.Close)
	proxy := serveTCP(t, func(conn net.Conn) { tunnel(conn) })
	return program("http-connect", proxy, s.URL)
}

// tunnel is a web proxy for one connection.
func tunnel(conn net.Conn) {
	var head strings.Builder
	for buf := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		head.Write(buf)
	}
	var target string
	if _, err := fmt.Sscanf(head.String(), "CONNECT %s", &target); err != nil {
		return
	}
	origin, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer origin.Close()
	io.WriteString(conn, "HTTP/1.1 200 Connected\r\n\r\n")
	go func() {
		io.Copy(origin, conn)
		origin.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(conn, origin)
}
