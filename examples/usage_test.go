package examples

import (
	"net"
	"strings"
	"testing"
)

// An invocation is a program and what it is called with.
type invocation struct {
	name string
	args []string
}

func (i invocation) String() string { return i.name + " " + strings.Join(i.args, " ") }

func TestHelpIsPrintedAndIsNoError(t *testing.T) {
	for _, name := range programs {
		t.Run(name, func(t *testing.T) {
			p := start(t, name, "-h")
			p.ends(0)
			if !strings.HasPrefix(p.stderr.String(), "Usage of ") {
				t.Errorf("stderr: %s", &p.stderr)
			}
		})
	}
}

func TestHelpNamesTheArguments(t *testing.T) {
	tests := []invocation{
		{"becat", []string{"[flags] HOST PORT", "-l [flags] [HOST] PORT"}},
		{"dns-example", []string{"[flags] NAME...", "-x [flags] ADDRESS...", "-s port NAME=ADDRESS..."}},
		{"http-connect", []string{"PROXY URL"}},
		{"https-client", []string{"[flags] URL"}},
		{"le-proxy", []string{"[flags] LISTEN-ADDR CONNECT-ADDR"}},
		{"rpc-client", []string{"[flags] ADDRESS NAME..."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t, tt.name, "-h")
			p.ends(0)
			for _, way := range tt.args {
				if want := tt.name + " " + way + "\n"; !strings.Contains(p.stderr.String(), want) {
					t.Errorf("stderr: %s\nwant a line %q", &p.stderr, want)
				}
			}
		})
	}
}

func TestWrongUsageExitsWithTwo(t *testing.T) {
	tests := []invocation{
		{"becat", nil},
		{"becat", []string{"127.0.0.1", "0"}},
		{"becat", []string{"127.0.0.1", "no-such-service"}},
		{"becat", []string{"-k", "127.0.0.1", "80"}},
		{"becat", []string{"-l", "127.0.0.1", "0", "0"}},
		{"becat", []string{"-buffer", "0", "127.0.0.1", "80"}},
		{"becat", []string{"-rate", "-1", "127.0.0.1", "80"}},
		{"becat", []string{"-t", "-1s", "127.0.0.1", "80"}},
		{"dns-example", nil},
		{"dns-example", []string{"-s", "0"}},
		{"dns-example", []string{"-s", "65536", "localhost=127.0.0.1"}},
		{"dns-example", []string{"-s", "0", "localhost"}},
		{"dns-example", []string{"-s", "0", "localhost=here"}},
		{"dns-example", []string{"-s", "0", "a..b=127.0.0.1"}},
		{"dns-example", []string{"-s", "0", "-x", "localhost=127.0.0.1"}},
		{"dns-example", []string{"-s", "0", "-c", "resolv.conf", "localhost=127.0.0.1"}},
		{"dns-example", []string{"-x", "localhost"}},
		{"dns-example", []string{"-x", "-t", "MX", "127.0.0.1"}},
		{"dns-example", []string{"-t", "no-such-type", "localhost"}},
		{"dns-example", []string{"-ca", "ca.pem", "localhost"}},
		{"dns-example", []string{"-tls", "localhost", "localhost"}},
		{"dns-example", []string{"-tls", "127.0.0.1", "-c", "resolv.conf", "localhost"}},
		{"dns-example", []string{"-tls", "127.0.0.1", "-insecure", "-ca", "ca.pem", "localhost"}},
		{"dns-forwarder", []string{"-addr", "no port"}},
		{"dns-forwarder", []string{"-max", "0"}},
		{"dns-forwarder", []string{"-clients", "0"}},
		{"dns-forwarder", []string{"-cache", "-1"}},
		{"echo-server", []string{"-loops", "0"}},
		{"echo-server", []string{"-backend", "telepathy"}},
		{"http-connect", nil},
		{"http-connect", []string{"127.0.0.1:3128"}},
		{"http-connect", []string{"127.0.0.1", "http://localhost/"}},
		{"http-connect", []string{":3128", "http://localhost/"}},
		{"http-connect", []string{"127.0.0.1:3128", "https://localhost/"}},
		{"https-client", nil},
		{"https-client", []string{"localhost"}},
		{"https-client", []string{"ftp://localhost/"}},
		{"https-client", []string{"https://localhost/", "https://localhost/"}},
		{"https-client", []string{"-retries", "-1", "https://localhost/"}},
		{"https-client", []string{"-timeout", "-1s", "https://localhost/"}},
		{"https-client", []string{"-proxy", "nowhere", "https://localhost/"}},
		{"https-client", []string{"-insecure", "-ca", "ca.pem", "https://localhost/"}},
		{"gzip-echo", []string{"-level", "10"}},
		{"gzip-echo", []string{"argument"}},
		{"http-server", []string{"-cert", "cert.pem"}},
		{"http-server", []string{"-loops", "0"}},
		{"http-server", []string{"-key", "key.pem"}},
		{"http-server", []string{"-proxy-protocol", "nobody"}},
		{"le-proxy", nil},
		{"le-proxy", []string{"127.0.0.1:0", "no port"}},
		{"le-proxy", []string{"127.0.0.1:0", "127.0.0.1:0"}},
		{"le-proxy", []string{"127.0.0.1:0", ":80"}},
		{"le-proxy", []string{"-loops", "0", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-cert", "cert.pem", "-key", "key.pem", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-cert", "cert.pem", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-key", "key.pem", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-insecure", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-ca", "ca.pem", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-servername", "localhost", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls-connect", "-insecure", "-ca", "ca.pem", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-workers", "1", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-workers", "-1", "127.0.0.1:0", "127.0.0.1:80"}},
		{"rate-limited-server", []string{"-rate", "-1"}},
		{"rate-limited-server", []string{"-rate", "1", "-tick", "1ms"}},
		{"rate-limited-server", []string{"-tick", "1us"}},
		{"rate-limited-server", []string{"-group-rate", "-1"}},
		{"rate-limited-server", []string{"-min-share", "-1"}},
		{"rate-limited-server", []string{"-size", "-1"}},
		{"rate-limited-server", []string{"-every", "-1s"}},
		{"rpc-client", nil},
		{"rpc-client", []string{"-conns", "0", "127.0.0.1:80", "Ada"}},
		{"rpc-client", []string{"-timeout", "-1s", "127.0.0.1:80", "Ada"}},
		{"rpc-server", []string{"-delay", "-1s"}},
		{"ssl-echo", []string{"-loops", "0"}},
		{"ssl-echo", []string{"-workers", "-1"}},
		{"ssl-echo", []string{"-alpn", "h2,"}},
		{"ssl-echo", []string{"-cert", "cert.pem"}},
		{"ssl-echo", []string{"-key", "key.pem"}},
		{"ssl-echo", []string{"-insecure"}},
		{"ssl-echo", []string{"-servername", "localhost"}},
		{"ssl-echo", []string{"-connect", "127.0.0.1:443", "-addr", "127.0.0.1:0"}},
		{"ssl-echo", []string{"-connect", "127.0.0.1:443", "-loops", "1"}},
		{"ssl-echo", []string{"-connect", "127.0.0.1:443", "-workers", "1"}},
		{"ssl-echo", []string{"-connect", "127.0.0.1:443", "-insecure", "-ca", "ca.pem"}},
		{"ssl-echo", []string{"-connect", "no port"}},
		{"ssl-echo", []string{"-connect", ":443"}},
		{"ssl-echo", []string{"-connect", "127.0.0.1:0"}},
		{"time-test", []string{"-n", "-1"}},
		{"time-test", []string{"-interval", "0s"}},
		{"signal-test", []string{"-n", "0"}},
		{"watch-timing", []string{"-d", "0s"}},
		{"watch-timing", []string{"-timers", "0"}},
	}
	for _, name := range programs {
		tests = append(tests, invocation{name, []string{"-no-such-flag"}})
		if name != "dns-example" { // which would look that up
			tests = append(tests, invocation{name, []string{"argument"}})
		}
	}
	for _, tt := range tests {
		t.Run(tt.String(), func(t *testing.T) {
			p := start(t, tt.name, tt.args...)
			if out := p.ends(2); out != "" {
				t.Errorf("printed %q", out)
			}
			if p.stderr.String() == "" {
				t.Error("no message")
			}
		})
	}
}

func TestFailureExitsWithOne(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	tests := []invocation{
		{"hello-world", []string{"-addr", taken.Addr().String()}},
		{"echo-server", []string{"-addr", taken.Addr().String()}},
		{"echo-server", []string{"-addr", "no port"}},
		{"becat", append([]string{"-l"}, strings.Split(taken.Addr().String(), ":")...)},
		{"dns-example", []string{"-s", port, "localhost=127.0.0.1"}},
		{"dns-example", []string{"-c", "no-such-file", "localhost"}},
		{"dns-example", []string{"-tls", taken.Addr().String(), "-ca", "no-such-file", "localhost"}},
		{"dns-forwarder", []string{"-addr", taken.Addr().String()}},
		{"dns-forwarder", []string{"-addr", "127.0.0.1:0", "-c", "no-such-file"}},
		{"gzip-echo", []string{"-addr", taken.Addr().String()}},
		{"gzip-echo", []string{"-addr", "127.0.0.1:0", "-trace", "no-such-folder/trace"}},
		{"http-server", []string{"-addr", taken.Addr().String()}},
		{"http-server", []string{"-addr", "no port"}},
		{"http-server", []string{"-addr", "127.0.0.1:0", "-root", "no-such-folder"}},
		{"http-server", []string{"-addr", "127.0.0.1:0", "-cert", "no-such-file", "-key", "no-such-file"}},
		{"le-proxy", []string{taken.Addr().String(), "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls", "-cert", "no-such-file", "-key", "no-such-file", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls-connect", "-ca", "no-such-file", "127.0.0.1:0", "127.0.0.1:80"}},
		{"le-proxy", []string{"-tls-connect", "-ca", "usage_test.go", "127.0.0.1:0", "127.0.0.1:80"}},
		{"ssl-echo", []string{"-addr", taken.Addr().String()}},
		{"ssl-echo", []string{"-addr", "127.0.0.1:0", "-ca", "no-such-file"}},
		{"ssl-echo", []string{"-addr", "127.0.0.1:0", "-cert", "no-such-file", "-key", "no-such-file"}},
		{"ssl-echo", []string{"-connect", taken.Addr().String(), "-ca", "no-such-file"}},
		{"ssl-echo", []string{"-connect", taken.Addr().String(), "-cert", "no-such-file", "-key", "no-such-file"}},
		{"rate-limited-server", []string{"-addr", taken.Addr().String()}},
		{"rate-limited-server", []string{"-addr", "127.0.0.1:0", "-file", "no-such-file"}},
	}
	for _, tt := range tests {
		t.Run(tt.String(), func(t *testing.T) {
			p := start(t, tt.name, tt.args...)
			p.ends(1)
			if !strings.HasPrefix(p.stderr.String(), tt.name+": ") {
				t.Errorf("stderr: %s", &p.stderr)
			}
		})
	}
}
