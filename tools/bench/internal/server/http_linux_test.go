package server

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
)

func TestServersOfHTTPAnswer(t *testing.T) {
	works := map[string]load.HTTPWork{
		"hello":           {Size: 12, Depth: 1, Conns: 5},
		"pipelined":       {Size: 12, Depth: 16, Conns: 5},
		"10 kB":           {Size: 10_000, Depth: 3, Conns: 5},
		"1 MB":            {Size: 1_000_000, Depth: 1, Conns: 5},
		"1 MB, pipelined": {Size: 1_000_000, Depth: 4, Conns: 2},
		"new connections": {Size: 12, Depth: 1, Fresh: true, Conns: 5},
	}
	for _, name := range slices.Sorted(maps.Keys(httpServers)) {
		for kind, work := range works {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Setenv("SERVER_TEST_NAME", name)
				figures, err := load.HTTP(os.Args[:1], work, 20*time.Millisecond)
				requireFigures(t, figures, err, "rate", "server CPU", "median", "99th percentile", "99.9th percentile",
					"allocations", "server busy", "load busy")
			})
		}
	}
}

// exchangeHTTP sends requests in pieces and returns the statuses and lengths of the
// responses.
func exchangeHTTP(t *testing.T, address, requests string, piece, responses int) (statuses, sizes []int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		for rest := requests; rest != ""; {
			n := min(piece, len(rest))
			io.WriteString(conn, rest[:n])
			rest = rest[n:]
		}
	}()
	in := bufio.NewReader(conn)
	for range responses {
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		statuses, sizes = append(statuses, response.StatusCode), append(sizes, len(body))
	}
	return statuses, sizes
}

func TestRequestsMayComeInPieces(t *testing.T) {
	const one = "GET /12 HTTP/1.1\r\nHost: x\r\n\r\n"
	for name := range httpServers {
		address := startServer(t, name)
		for _, piece := range []int{1, 10, len(one) + 1} {
			statuses, sizes := exchangeHTTP(t, address, strings.Repeat(one, 3), piece, 3)
			if !slices.Equal(statuses, []int{200, 200, 200}) || !slices.Equal(sizes, []int{12, 12, 12}) {
				t.Errorf("%s, pieces of %d bytes: statuses %d, sizes %d", name, piece, statuses, sizes)
			}
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	for name := range httpServers {
		statuses, _ := exchangeHTTP(t, startServer(t, name), "GET /13 HTTP/1.1\r\nHost: x\r\n\r\n", 100, 1)
		if !slices.Equal(statuses, []int{http.StatusNotFound}) {
			t.Errorf("%s: status %d, want 404", name, statuses)
		}
	}
}

func TestTheRawServerEndsConnectionsWithEndlessRequests(t *testing.T) {
	conn, err := net.Dial("tcp", startServer(t, "http-raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go conn.Write(bytes.Repeat([]byte("x"), 4*readSize))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("read %d bytes, %v, want the end", n, err)
	}
}
