package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

func init() {
	roles["http"] = func() {
		serveHTTP(func(w http.ResponseWriter, size int) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(size))
			w.Write(letters(size))
		})
	}
	roles["http-chunks"] = func() {
		serveHTTP(func(w http.ResponseWriter, size int) {
			w.Header().Set("Content-Type", "text/plain")
			w.Write(letters(size)[:1])
			w.(http.Flusher).Flush()
			w.Write(letters(size)[1:])
		})
	}
	roles["http-refusing"] = func() {
		serveHTTP(func(w http.ResponseWriter, _ int) { http.Error(w, "no", http.StatusForbidden) })
	}
	roles["http-proud"] = func() {
		serveHTTP(func(w http.ResponseWriter, size int) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Server", "proud")
			w.Write(letters(size))
		})
	}
	roles["http-lying"] = func() {
		serveHTTP(func(w http.ResponseWriter, size int) {
			w.Header().Set("Content-Type", "text/plain")
			w.Write(letters(size + 1)[1:])
		})
	}
	roles["http-silent"] = func() {
		listen(func(conn net.Conn) { http.ReadRequest(bufio.NewReader(conn)) })
	}
	roles["asking"] = func() { askOrigin(1) }
	roles["asking-twice"] = func() { askOrigin(2) }
	roles["asking-too-little"] = func() {
		runClient(func(addr netip.AddrPort, size, conns int) error {
			return AskHTTP(addr, size+1, conns)
		})
	}
	roles["giving-up"] = func() {
		runClient(func(netip.AddrPort, int, int) error { return errors.New("enough of that") })
	}
}

// serveHTTP answers requests whose path is a size, until the standard input ends.
func serveHTTP(answer func(w http.ResponseWriter, size int)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			panic(err)
		}
		answer(w, size)
	}))
	process.AnswerAllocations(os.Stdin, os.Stdout)
}

// askOrigin is a client that opens so many connections for each that it is to open.
func askOrigin(times int) {
	runClient(func(addr netip.AddrPort, size, conns int) error {
		return AskHTTP(addr, size, times*conns)
	})
}

func runClient(ask func(addr netip.AddrPort, size, conns int) error) {
	addr := netip.MustParseAddrPort(os.Args[1])
	size, _ := strconv.Atoi(os.Args[2])
	conns, _ := strconv.Atoi(os.Args[3])
	fmt.Println(addr)
	go func() {
		if err := ask(addr, size, conns); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	process.AnswerAllocations(os.Stdin, os.Stdout)
}

// requireHTTPFigures fails unless the figures have these names and say something.
func requireHTTPFigures(t *testing.T, figures []measure.Figure, want string) {
	t.Helper()
	if got := names(figures); got != want {
		t.Fatalf("figures %q, want %q", got, want)
	}
	for _, f := range figures {
		if f.Value < 0 || f.Value == 0 && f.Name != "allocations" {
			t.Errorf("%s is %g, want something", f.Name, f.Value)
		}
	}
}

func TestServersOfHTTPAreMeasured(t *testing.T) {
	for name, work := range map[string]HTTPWork{
		"one connection":  {Size: 12, Depth: 1, Conns: 1},
		"pipelined":       {Size: 12, Depth: 16, Conns: 5},
		"large bodies":    {Size: 300_000, Depth: 1, Conns: 3},
		"large, in turns": {Size: 100_000, Depth: 3, Conns: 2},
		"new connections": {Size: 12, Depth: 1, Fresh: true, Conns: 5},
	} {
		t.Run(name, func(t *testing.T) {
			figures, err := HTTP(role(t, "http"), work, 50*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			requireHTTPFigures(t, figures, "rate, server CPU, median, 99th percentile, 99.9th percentile, allocations, server busy, load busy")
			if n := find(t, figures, "allocations"); n < 1 {
				t.Errorf("%g allocations a request, want those of net/http", n)
			}
		})
	}
}

func TestServersOfHTTPThatDoOtherThingsAreErrors(t *testing.T) {
	tests := []struct{ role, want string }{
		{"http-chunks", "no Content-Length"},
		{"http-refusing", "403 Forbidden"},
		{"http-proud", `"Server"`},
		{"http-lying", "another body"},
		{"http-silent", "the server closed the connection"},
		{"failing", "no luck"},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			_, err := HTTP(role(t, test.role), HTTPWork{Size: 12, Depth: 1, Conns: 2}, time.Second)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestSyscallsOfHTTPAreCounted(t *testing.T) {
	figures, err := HTTPSyscalls(role(t, "http"), HTTPWork{Size: 12, Depth: 1, Conns: 5}, 500)
	if errors.Is(err, measure.ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if all := find(t, figures, "all calls"); all < 2 {
		t.Errorf("%g calls a request, want reading and writing at least", all)
	}
}

func TestMemoryOfHTTPGrowsWithConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for connections to be idle")
	}
	figures, err := HTTPMemory(role(t, "http"), 12, 500)
	if errors.Is(err, measure.ErrUnable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if memory := find(t, figures, "memory"); memory < 1000 {
		t.Errorf("%g B a connection, want those of a goroutine at least", memory)
	}
}

func TestClientsOfHTTPAreMeasured(t *testing.T) {
	for _, conns := range []int{1, 10} {
		figures, err := HTTPClient(role(t, "asking"), 10_000, conns, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		requireHTTPFigures(t, figures, "rate, client CPU, allocations, server busy, load busy")
	}
}

func TestClientsOfHTTPThatDoOtherThingsAreErrors(t *testing.T) {
	tests := []struct{ role, want string }{
		{"asking-twice", "opens more than 2 connections"},
		{"asking-too-little", `sends "GET /13 HTTP/1.1`},
		{"giving-up", "enough of that"},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			if test.role == "giving-up" && testing.Short() {
				t.Skip("waits for the client to do something")
			}
			_, err := HTTPClient(role(t, test.role), 12, 2, time.Second)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

// head is that of a response with 5 bytes.
const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

func TestResponsesAreCountedHoweverTheyArrive(t *testing.T) {
	text := strings.Repeat(head+"abcde", 3)
	for piece := 1; piece <= len(text); piece++ {
		r := responses{size: 5}
		complete := 0
		for rest := []byte(text); len(rest) > 0; {
			n := min(piece, len(rest))
			got, err := r.take(rest[:n])
			if err != nil {
				t.Fatalf("pieces of %d bytes: %v", piece, err)
			}
			complete += got
			rest = rest[n:]
		}
		if complete != 3 {
			t.Errorf("pieces of %d bytes: %d responses, want 3", piece, complete)
		}
	}
}

func TestResponsesWithAnythingElseAreErrors(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabcde",
		head + "abcdef" + head,
		strings.Repeat("x", longestHead+1),
	} {
		r := responses{size: 5}
		if _, err := r.take([]byte(text)); err == nil {
			t.Errorf("response %.60q was taken", text)
		}
	}
}

func TestMoreResponsesThanRequestsAreErrors(t *testing.T) {
	x := &httpExchange{turns: turns{began: time.Now()}, buf: []byte(head + "abcde" + head + "abcde")}
	st := &stream{responses: responses{size: 5}, due: 1}
	if err := x.take(st, len(x.buf)); err == nil {
		t.Error("two responses to one request were taken")
	}
}

func TestWholeResponsesAreCompared(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
	tests := []struct {
		text    string
		closing bool
		want    string // of the error
	}{
		{good + "\r\nabcde", false, ""},
		{good + "Connection: close\r\n\r\nabcde", true, ""},
		{good + "Connection: close\r\n\r\nabcde", false, "closed is true"},
		{good + "\r\nabcde", true, "closed is false"},
		{good + "Server: x\r\n\r\nabcde", false, "the header has"},
		{good + "\r\nabcdf", false, "another body"},
		{strings.Replace(good, "plain", "html", 1) + "\r\nabcde", false, "Content-Type"},
		{strings.Replace(good, "Mon,", "Monday", 1) + "\r\nabcde", false, "Monday"},
		{"HTTP/1.1 200", false, io.ErrUnexpectedEOF.Error()},
	}
	for _, test := range tests {
		err := checkResponse([]byte(test.text), 5, test.closing)
		if fmt.Sprint(err) != "<nil>" && test.want == "" || !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("response %q, closing: %v: error %v, want %q in it", test.text, test.closing, err, test.want)
		}
	}
}
