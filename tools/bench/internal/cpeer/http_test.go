package cpeer

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestHTTPPeerServes(t *testing.T) {
	peer := buildWith(t, BuildHTTP)
	serve(t, exec.Command(peer.Path, "serve"), func(address string) {
		for size, status := range map[int]int{12: 200, 10_000: 200, 1_000_000: 200, 13: 404} {
			response, err := http.Get("http://" + address + "/" + strconv.Itoa(size))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != status || status == 200 && len(body) != size {
				t.Errorf("/%d: status %d, %d bytes", size, response.StatusCode, len(body))
			}
		}
	})
}

func TestHTTPPeerAsks(t *testing.T) {
	peer := buildWith(t, BuildHTTP)
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
		w.Write(make([]byte, 12))
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	serve(t, exec.Command(peer.Path, "ask", address, "12", "3"), func(printed string) {
		if printed != address {
			t.Errorf("address %q, want %q", printed, address)
		}
		for range cap(asked) {
			if path := <-asked; path != "/12" {
				t.Errorf("path %q, want /12", path)
			}
		}
	})
}

func TestHTTPPeerChecksResponses(t *testing.T) {
	peer := buildWith(t, BuildHTTP)
	for name, handler := range map[string]http.HandlerFunc{
		"status": http.NotFound,
		"length": func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 11)) },
	} {
		server := httptest.NewServer(handler)
		defer server.Close()
		output, err := runWithInput(t, exec.Command(peer.Path, "ask", server.Listener.Addr().String(), "12", "1"))
		if err == nil || !strings.Contains(output, "another status or length") {
			t.Errorf("%s: %q, %v, want an error", name, output, err)
		}
	}
}

// runWithInput runs a program whose standard input does not end, and returns what
// it wrote to its standard error.
func runWithInput(t *testing.T, cmd *exec.Cmd) (string, error) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err = cmd.Run()
	return stderr.String(), err
}

func TestHTTPPeerTellsItsAllocations(t *testing.T) {
	peer := buildWith(t, BuildHTTP)
	cmd := exec.Command(peer.Path, "serve")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	lines := bufio.NewScanner(stdout)
	lines.Scan() // the address
	io.WriteString(stdin, "\n")
	var n int
	if lines.Scan(); lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	if _, err := fmt.Sscan(lines.Text(), &n); err != nil || n == 0 {
		t.Errorf("allocations %q, %v, want some", lines.Text(), err)
	}
}

func TestHTTPPeerRefusesUnknownWorkloads(t *testing.T) {
	peer := buildWith(t, BuildHTTP)
	for _, args := range []string{"", "serve 1", "ask", "ask nowhere 1 1", "ask 127.0.0.1:1 0 1", "nothing"} {
		if err := exec.Command(peer.Path, strings.Fields(args)...).Run(); err == nil {
			t.Errorf("workload %q succeeded", args)
		}
	}
}
