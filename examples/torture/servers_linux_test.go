package torture

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A server is a program that serves until it is stopped.
type server struct {
	name string

	// command returns the program's command line.
	command func(t *testing.T) []string

	// use is what a client does, once.
	use func(addr string) error

	// lossy says that the server may leave a client without an answer if it says
	// so: that is what datagrams are like.
	lossy bool

	// spare are the descriptors that the server may have opened to keep: sockets
	// of a resolver's pool.
	spare int

	// answered are the faults that the client's answer tells of, so that the
	// server need not.
	answered []string
}

// forbidden is how http-server tells of files that it may not open.
var forbidden = []string{"openat=EACCES"}

// servers are all of them.
var servers = []server{
	{name: "hello-world", command: listening("hello-world"), use: greeted},
	{name: "echo-server", command: listening("echo-server"), use: echoed},
	{name: "echo-server of two loops", command: listening("echo-server", "-loops", "2"), use: echoed},
	{name: "echo-server on poll", command: listening("echo-server", "-backend", "poll"), use: echoed},
	{name: "rate-limited-server", command: listening("rate-limited-server"), use: fed},
	{name: "http-server", command: website, use: browsed("http"), answered: forbidden},
	{name: "http-server with TLS", command: secureWebsite, use: browsed("https"), answered: forbidden},
	{name: "ssl-echo", command: listening("ssl-echo"), use: echoedSecurely},
	{name: "ssl-echo with workers", command: listening("ssl-echo", "-workers", "1"), use: echoedSecurely},
	{name: "le-proxy", command: proxy(), use: echoed},
	{name: "le-proxy with TLS", command: proxy("-tls"), use: echoedSecurely},
	{name: "dns-example", command: func(*testing.T) []string {
		return program("dns-example", "-s", "0", questionName+"="+answerAddr)
	}, use: resolved, lossy: true},
	{name: "dns-forwarder", command: forwarder, use: resolved, lossy: true, spare: 4},
}

// listening is the command line of a program with -addr.
func listening(name string, args ...string) func(*testing.T) []string {
	return func(*testing.T) []string {
		return program(name, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	}
}

// dial connects to a server.
func dial(addr string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

func greeted(addr string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	if err == nil && !strings.HasPrefix(string(text), "Hello") {
		err = fmt.Errorf("greeted with %q", text)
	}
	return err
}

// message is what is echoed. It takes several calls, but fits into the buffers of
// sockets.
var message = bytes.Repeat([]byte("0123456789abcdef"), 4096)

func echoed(addr string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	return echo(conn)
}

func echoedSecurely(addr string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	return echo(tls.Client(conn, &tls.Config{InsecureSkipVerify: true}))
}

// echo sends the message, ends the stream, and gets the message back with an end.
func echo(conn net.Conn) error {
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(message)
		if err == nil {
			err = conn.(interface{ CloseWrite() error }).CloseWrite()
		}
		sent <- err
	}()
	back, err := io.ReadAll(conn)
	if err == nil && !bytes.Equal(back, message) {
		err = fmt.Errorf("%d bytes came back of %d", len(back), len(message))
	}
	if err != nil {
		conn.Close()
		<-sent
		return err
	}
	return <-sent
}

func fed(addr string) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.CopyN(io.Discard, conn, int64(len(message)))
	return err
}

// longFile is what http-server serves in pieces.
var longFile = bytes.Repeat(message, 8)

// folder returns a folder with files.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(dir, "page.txt"), []byte("a page\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "long.bin"), longFile, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func website(t *testing.T) []string {
	return program("http-server", "-addr", "127.0.0.1:0", "-root", folder(t))
}

func secureWebsite(t *testing.T) []string {
	return append(website(t), certificate(t)...)
}

// browsed gets a page, a list and a long file, each on a connection of its own.
func browsed(scheme string) func(addr string) error {
	return func(addr string) error {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		}}
		for path, want := range map[string]string{"/page.txt": "a page\n", "/": "long.bin", "/long.bin": string(longFile)} {
			if err := get(client, scheme+"://"+addr+path, want); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	}
}

func get(client *http.Client, url, want string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("status %s", response.Status)
	case !strings.Contains(string(body), want):
		return fmt.Errorf("a body of %d bytes that lacks %.20q", len(body), want)
	}
	return nil
}

// proxy is the command line of le-proxy before an echo server.
func proxy(args ...string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		return program("le-proxy", append(args, "127.0.0.1:0", startEcho(t))...)
	}
}

// startEcho starts an echo server that is not ours.
func startEcho(t *testing.T) string {
	return serveTCP(t, func(conn net.Conn) { io.Copy(conn, conn) })
}

// serveTCP starts a server that does something with each connection, and returns
// its address.
func serveTCP(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(deadline))
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// What the DNS servers are asked for.
const (
	questionName = "www.example.org"
	answerAddr   = "192.0.2.1"
)

func forwarder(t *testing.T) []string {
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	text := "nameserver " + startNameserver(t) + "\noptions timeout:1 attempts:3\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return program("dns-forwarder", "-addr", "127.0.0.1:0", "-cache", "0", "-c", conf)
}

// startNameserver starts a nameserver that is not ours, over UDP.
func startNameserver(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		response := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			rr, err := dns.NewRR(q.Question[0].Name + " 300 IN A " + answerAddr)
			if err != nil {
				panic(err)
			}
			response.Answer = []dns.RR{rr}
		}
		w.WriteMsg(response)
	})}
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go s.ActivateAndServe()
	<-started
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String()
}

// resolved asks over UDP and over TCP.
func resolved(addr string) error {
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: patience / 2}
		query := new(dns.Msg).SetQuestion(questionName+".", dns.TypeA)
		response, _, err := client.Exchange(query, addr)
		if err != nil {
			return fmt.Errorf("%s: %w", network, err)
		}
		if response.Rcode != dns.RcodeSuccess || len(response.Answer) != 1 {
			return fmt.Errorf("%s: %s with %d records", network, dns.RcodeToString[response.Rcode], len(response.Answer))
		}
	}
	return nil
}
