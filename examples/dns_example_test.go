package examples

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startDNS starts dns-example as a server of names, and returns its address.
func startDNS(t *testing.T, names ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "dns-example", append([]string{"-s", "0"}, names...)...)
	return p, p.lineAfter("listening on ")
}

// someNames are what a server has.
var someNames = []string{
	"www.example.org=192.0.2.10", "www.example.org=2001:db8::10", "www.example.org=192.0.2.11",
	"mail.example.org=192.0.2.25", "Six.Example.ORG=2001:db8::6",
}

// resolvConf returns a file that names a nameserver, and has more lines.
func resolvConf(t *testing.T, server string, more ...string) string {
	t.Helper()
	return tempFile(t, []byte("nameserver "+server+"\n"+strings.Join(more, "\n")+"\n"))
}

// sortedLines are the lines of an output, whose order does not matter.
func sortedLines(out string) []string {
	lines := strings.FieldsFunc(out, func(c rune) bool { return c == '\n' })
	slices.Sort(lines)
	return lines
}

func TestDNSExampleLooksUpWhatItServes(t *testing.T) {
	p, addr := startDNS(t, someNames...)
	conf := resolvConf(t, addr, "search example.net example.org")
	tests := []struct {
		args string
		want []string
	}{
		{"mail.example.org", []string{"mail.example.org 192.0.2.25"}},
		{"www.example.org", []string{"www.example.org 192.0.2.10", "www.example.org 192.0.2.11", "www.example.org 2001:db8::10"}},
		{"six.example.org mail", []string{"mail 192.0.2.25", "six.example.org 2001:db8::6"}},
		{"127.0.0.1", []string{"127.0.0.1 127.0.0.1"}},
		{"-x 192.0.2.25 2001:db8::10", []string{"192.0.2.25 mail.example.org", "2001:db8::10 www.example.org"}},
		{"-t a mail.example.org", []string{"mail.example.org.\t60\tIN\tA\t192.0.2.25"}},
		{"-t PTR 25.2.0.192.in-addr.arpa", []string{"25.2.0.192.in-addr.arpa.\t60\tIN\tPTR\tmail.example.org."}},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			c := start(t, "dns-example", append([]string{"-c", conf}, strings.Fields(tt.args)...)...)
			if got := sortedLines(c.ends(0)); !slices.Equal(got, tt.want) {
				t.Errorf("printed %q, want %q", got, tt.want)
			}
		})
	}
	if canSignal {
		p.signal(syscall.SIGTERM)
		p.ends(0)
	}
}

func TestDNSExampleTellsWhatIsNotFound(t *testing.T) {
	_, addr := startDNS(t, someNames...)
	conf := resolvConf(t, addr)
	tests := []struct{ args, found, message string }{
		{"none.example.org", "", "none.example.org"},
		{"none.example.org mail.example.org", "mail.example.org 192.0.2.25\n", "1 of 2 lookups"},
		{"-x 192.0.2.99", "", "no such name"},
		{"-t AAAA mail.example.org", "", "no such records"},
		{"-t A a..b", "", "a..b"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			c := start(t, "dns-example", append([]string{"-c", conf}, strings.Fields(tt.args)...)...)
			if out := c.ends(1); out != tt.found {
				t.Errorf("printed %q, want %q", out, tt.found)
			}
			if got := c.stderr.String(); !strings.Contains(got, tt.message) {
				t.Errorf("stderr %q, want %q in it", got, tt.message)
			}
		})
	}
}

func TestDNSExampleReadsNamesOfHosts(t *testing.T) {
	_, addr := startDNS(t, someNames...)
	c := start(t, "dns-example", "-c", resolvConf(t, addr), "localhost")
	if lines := sortedLines(c.ends(0)); !slices.ContainsFunc(lines, func(s string) bool { return s == "localhost 127.0.0.1" || s == "localhost ::1" }) {
		t.Errorf("printed %q, want an address of localhost", lines)
	}
}

// unboundTLS starts unbound as a nameserver over TLS, and returns its address.
func unboundTLS(t *testing.T, a *authority) string {
	t.Helper()
	path := peer(t, "unbound")
	cert := a.issue(time.Hour)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile := tempFile(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	keyFile := tempFile(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	text, err := os.ReadFile("testdata/unbound-tls.conf")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		l := listen(t)
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		conf := strings.NewReplacer("PORT", fmt.Sprint(port), "CERT", certFile, "KEY", keyFile).Replace(string(text))
		if startUnbound(t, path, tempFile(t, []byte(conf))) {
			return fmt.Sprint("127.0.0.1:", port)
		}
	}
	t.Fatal("no port was free for long enough")
	return ""
}

// startUnbound starts unbound, and returns false if its port is taken.
func startUnbound(t *testing.T, path, conf string) bool {
	t.Helper()
	p := newCommand(t, path, "-d", "-p", "-c", conf)
	log, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	p.stdout = bufio.NewReader(log)
	p.run()
	for {
		line, err := p.stdout.ReadString('\n')
		switch {
		case strings.Contains(line, "start of service"):
			go io.Copy(io.Discard, p.stdout)
			return true
		case strings.Contains(line, "in use"):
			return false
		case err != nil:
			t.Fatalf("unbound does not start: %v", err)
		}
	}
}

func TestDNSExampleAsksUnboundOverTLS(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	addr := unboundTLS(t, a)
	tests := []struct {
		args []string
		want string // printed, or empty for a failure
	}{
		{[]string{"-ca", a.file(), "www.example.org"}, "www.example.org 192.0.2.10\nwww.example.org 2001:db8::10\n"},
		{[]string{"-ca", a.file(), "-servername", "localhost", "-t", "MX", "example.org"}, "example.org.\t300\tIN\tMX\t10 mail.example.org.\n"},
		{[]string{"-insecure", "-x", "192.0.2.10"}, "192.0.2.10 www.example.org\n"},
		{[]string{"-ca", a.file(), "-servername", "elsewhere", "www.example.org"}, ""},
		{[]string{"-ca", stranger.file(), "www.example.org"}, ""},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			p := start(t, "dns-example", append([]string{"-tls", addr}, tt.args...)...)
			if tt.want == "" {
				p.ends(1)
				return
			}
			if got := sortedLines(p.ends(0)); !slices.Equal(got, sortedLines(tt.want)) {
				t.Errorf("printed %q, want %q", got, tt.want)
			}
		})
	}
}
