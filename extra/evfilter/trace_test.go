package evfilter_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/extra/evfilter"
)

// exchange has a traced stream send "ping" and receive "pong", and frees it.
func exchange(t *testing.T, r evfilter.Recorder, local, remote net.Addr) {
	t.Helper()
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	if local != nil {
		ok(t, one.SetAddrs(local, remote))
	}
	b, err := evfilter.NewTraced(one, r, bufferevent.CloseOnFree)
	ok(t, err)
	traced, peer := watch(t, b), watch(t, other)
	traced.write("ping")
	evtest.Await(t, base, "ping", func() bool { return peer.text.String() == "ping" })
	peer.write("pong")
	evtest.Await(t, base, "pong", func() bool { return traced.text.String() == "pong" })
	b.Free()
	evtest.Turn(t, base)
}

func TestLogRecorder(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "stream" {
			return slog.Attr{}
		}
		return a
	}}))
	exchange(t, evfilter.NewLogRecorder(logger, slog.LevelDebug, 2), nil, nil)
	want := `level=DEBUG msg=data peer=bufferevent direction=out bytes=4 data="\"pi\""
level=DEBUG msg=data peer=bufferevent direction=in bytes=4 data="\"po\""
level=DEBUG msg=end
`
	if log.String() != want {
		t.Errorf("got\n%s", &log)
	}
	log.Reset()
	exchange(t, evfilter.NewLogRecorder(logger, slog.LevelDebug-1, 2), nil, nil)
	if log.Len() > 0 {
		t.Errorf("got\n%s", &log)
	}
}

func TestHexRecorder(t *testing.T) {
	var out bytes.Buffer
	r := evfilter.NewHexRecorder(&out)
	exchange(t, r, nil, nil)
	ok(t, r.Err())
	want := `..:..:..\....... stream \d+ out bufferevent, 4 bytes
00000000  70 69 6e 67                                       \|ping\|
..:..:..\....... stream \d+ in bufferevent, 4 bytes
00000000  70 6f 6e 67                                       \|pong\|
..:..:..\....... stream \d+ end
`
	if !regexp.MustCompile("^" + want + "$").MatchString(out.String()) {
		t.Errorf("got\n%s", &out)
	}
}

// failing is a writer that fails.
type failing struct{ calls int }

func (f *failing) Write([]byte) (int, error) { f.calls++; return 0, errors.New("disk is full") }

// TestRecordersThatCannotWrite do not disturb the stream.
func TestRecordersThatCannotWrite(t *testing.T) {
	w := new(failing)
	hex := evfilter.NewHexRecorder(w)
	exchange(t, hex, nil, nil)
	if hex.Err() == nil || w.calls != 1 {
		t.Errorf("error %v, %d calls", hex.Err(), w.calls)
	}
	pcap := evfilter.NewPcapngRecorder(w)
	exchange(t, pcap, nil, nil)
	if pcap.Err() == nil || w.calls != 2 {
		t.Errorf("error %v, %d calls", pcap.Err(), w.calls)
	}
}

// TestPcapngRecorder has tcpdump read the capture, and find all checksums right.
func TestPcapngRecorder(t *testing.T) {
	for name, test := range map[string]struct{ local, remote, from, to string }{
		"IPv4":       {"192.0.2.1:1000", "192.0.2.2:443", "192.0.2.1.1000", "192.0.2.2.443"},
		"IPv6":       {"[2001:db8::1]:1000", "[2001:db8::2]:443", "2001:db8::1.1000", "2001:db8::2.443"},
		"no address": {"", "", `127.0.0.1.\d+`, "127.0.0.1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			var capture bytes.Buffer
			r := evfilter.NewPcapngRecorder(&capture)
			if test.local == "" {
				exchange(t, r, nil, nil)
			} else {
				exchange(t, r, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.local)), net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.remote)))
			}
			stream := &evfilter.Stream{Number: 7}
			r.Record(stream, time.Unix(1, 2000), evfilter.In, make([]byte, 100001)) // more than a packet
			ok(t, r.Err())
			said := tcpdump(t, &capture)
			out, back := test.from+" > "+test.to, test.to+" > "+test.from
			for i, want := range []string{
				out + `: Flags \[S\], cksum 0x\w+ \(correct\), seq 0, .*, length 0`,
				back + `: Flags \[S\.\], .*\(correct\), seq 0, ack 1, .*, length 0`,
				out + `: Flags \[\.\], .*\(correct\), ack 1, .*, length 0`,
				out + `: Flags \[P\.\], .*\(correct\), seq 1:5, ack 1, .*, length 4`,
				back + `: Flags \[P\.\], .*\(correct\), seq 1:5, ack 5, .*, length 4`,
				out + `: Flags \[F\.\], .*\(correct\), seq 5, ack 5, .*, length 0`,
				back + `: Flags \[F\.\], .*\(correct\), seq 5, ack 6, .*, length 0`,
			} {
				if i >= len(said) || !regexp.MustCompile(want).MatchString(said[i]) {
					t.Fatalf("packet %d is not %q:\n%s", i, want, strings.Join(said, "\n"))
				}
			}
			if rest := said[7:]; len(rest) != 3+4 || !strings.HasPrefix(rest[0], "1.000002") || !strings.HasSuffix(rest[6], "length 1697") && !strings.Contains(rest[6], "length 1697") {
				t.Errorf("the rest is\n%s", strings.Join(rest, "\n"))
			}
		})
	}
}

// tcpdump returns a line for each packet.
func tcpdump(t *testing.T, capture io.Reader) []string {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
			t.Fatal(err)
		}
		t.Skip("needs tcpdump: ", err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-nn", "-tt", "-v", "-S", "-r", "-")
	cmd.Stdin = capture
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	text := strings.ReplaceAll(string(out), "\n    ", " ") // the second line of a packet
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines
}

// TestTracedStreamsPassEverything moves more than a watermark allows at once.
func TestTracedStreamsPassEverything(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	b, err := evfilter.NewTraced(one, evfilter.NewHexRecorder(io.Discard), bufferevent.CloseOnFree)
	ok(t, err)
	defer b.Free()
	traced, peer := watch(t, b), watch(t, other)
	text := strings.Repeat("much ", 100000)
	traced.write(text)
	peer.write(text)
	evtest.Await(t, base, "all", func() bool { return peer.text.Len() == len(text) && traced.text.Len() == len(text) })
	if peer.text.String() != text || traced.text.String() != text {
		t.Error("other text")
	}
}
