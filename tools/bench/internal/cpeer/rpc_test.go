package cpeer

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
)

func encoded(t *testing.T, lines int) []byte {
	t.Helper()
	var b evbuffer.Buffer
	if err := greeting.New(lines).AppendTo(&b); err != nil {
		t.Fatal(err)
	}
	p, err := io.ReadAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRPCPeerServes(t *testing.T) {
	peer := buildWith(t, BuildRPC)
	serve(t, exec.Command(peer.Path, "serve"), func(address string) {
		body := encoded(t, 3)
		response, err := http.Post("http://"+address+"/.rpc.Greet", "", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || !bytes.Equal(got, body) {
			t.Errorf("status %d, %q, %v", response.StatusCode, got, err)
		}
	})
}

// TestRPCPeerCalls has a server that asks for no more of a request than where it ends: net/http
// refuses those without a Host field.
func TestRPCPeerCalls(t *testing.T) {
	peer := buildWith(t, BuildRPC)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	body := encoded(t, 2)
	called := make(chan error)
	go func() {
		conn, err := l.Accept()
		for range 20 {
			if err == nil {
				err = answerCall(conn, body)
			}
			called <- err
		}
		if conn != nil {
			conn.Close()
		}
	}()
	serve(t, exec.Command(peer.Path, "call", l.Addr().String(), "2", "1"), func(string) {
		for range 20 {
			if err := <-called; err != nil {
				t.Error(err)
			}
		}
	})
}

// answerCall reads a request, whose end is known, and sends it back.
func answerCall(conn net.Conn, body []byte) error {
	var request []byte
	for !bytes.HasSuffix(request, body) {
		p := make([]byte, 1000)
		n, err := conn.Read(p)
		if err != nil {
			return fmt.Errorf("after %q: %w", request, err)
		}
		request = append(request, p[:n]...)
	}
	if !bytes.HasPrefix(request, []byte("POST /.rpc.Greet HTTP/1.1\r\n")) {
		return fmt.Errorf("request %q", request)
	}
	_, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return err
}
