package client

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
)

// TestMain lets the test's program be the client under test.
func TestMain(m *testing.M) {
	name := os.Getenv("CLIENT_TEST_NAME")
	if name == "" {
		os.Exit(m.Run())
	}
	args := os.Args[1:]
	if len(args) == 0 || args[0] != name {
		args = append([]string{name}, args...)
	}
	if err := Run(args, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestClientsKeepTheirConnectionsBusy(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		for _, conns := range []int{1, 20} {
			t.Run(fmt.Sprint(name, " ", conns), func(t *testing.T) {
				t.Setenv("CLIENT_TEST_NAME", name)
				figures, err := load.HTTPClient(os.Args[:1], 10_000, conns, 50*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if len(figures) == 0 || figures[0].Name != "rate" || figures[0].Value <= 0 {
					t.Errorf("figures %v, want a rate first", figures)
				}
			})
		}
	}
}

func TestClientsOfRPCKeepTheirConnectionsBusy(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(rpcClients)) {
		for _, conns := range []int{1, 20} {
			t.Run(fmt.Sprint(name, " ", conns), func(t *testing.T) {
				t.Setenv("CLIENT_TEST_NAME", name)
				figures, err := load.RPCClient([]string{os.Args[0], name}, 100, conns, 50*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if len(figures) == 0 || figures[0].Name != "rate" || figures[0].Value <= 0 {
					t.Errorf("figures %v, want a rate first", figures)
				}
			})
		}
	}
}

func TestClientsEndWithAnotherResponse(t *testing.T) {
	for answer, handler := range map[string]http.HandlerFunc{
		"status": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"length": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("short")) },
	} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		for name := range clients {
			t.Run(name+" "+answer, func(t *testing.T) {
				stdin, keep, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer stdin.Close()
				defer keep.Close()
				var out bytes.Buffer
				addr := server.Listener.Addr().String()
				if err := Run([]string{name, addr, "12", "1"}, stdin, &out); err == nil {
					t.Error("the response was taken")
				}
				if out.String() != addr+"\n" {
					t.Errorf("output %q, want the address", out.String())
				}
			})
		}
	}
}

func TestClientsEndWithTheirInput(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	defer server.CloseClientConnections()
	var out bytes.Buffer
	if err := Run([]string{"net", server.Listener.Addr().String(), "12", "1"}, strings.NewReader(""), &out); err != nil {
		t.Errorf("error %v, want none", err)
	}
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	for _, args := range []string{"", "net", "naps 127.0.0.1:1 1 1", "net nowhere 1 1", "net 127.0.0.1:1 0 1", "net 127.0.0.1:1 1 x"} {
		var out bytes.Buffer
		if err := Run(strings.Fields(args), strings.NewReader(""), &out); err == nil || out.Len() > 0 {
			t.Errorf("client %q was taken", args)
		}
	}
}

func TestTheFirstFailureEndsAClient(t *testing.T) {
	failure := errors.New("failure")
	if err := (task{atOnce: 3}).repeat(func() error { return failure }); err != failure {
		t.Errorf("error %v, want %v", err, failure)
	}
}
