package reverseproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	xwebsocket "golang.org/x/net/websocket"
)

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// echoWebSocket sends every message back. The message "leave" has it go.
func echoWebSocket(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, data, err := c.ReadMessage()
		if err != nil {
			return
		}
		if string(data) == "leave" {
			c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "as you like"))
			return
		}
		if c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// origins are servers of WebSocket by two implementations.
func origins() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/gorilla", echoWebSocket)
	mux.Handle("/x", xwebsocket.Server{Handler: func(c *xwebsocket.Conn) {
		c.PayloadType = xwebsocket.BinaryFrame
		io.Copy(c, c)
	}})
	return mux
}

func (s *stack) dial(path string) *websocket.Conn {
	s.t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience}
	c, _, err := d.Dial(strings.Replace(s.url, "http", "ws", 1)+path, nil)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	c.SetReadDeadline(time.Now().Add(patience))
	return c
}

// sizes are lengths of messages in each of the three forms that those have.
var sizes = []int{0, 1, 125, 126, 65535, 65536, 300_000}

// TestWebSocketByGorilla exchanges messages with both origins.
func TestWebSocketByGorilla(t *testing.T) {
	inEveryStack(t, origins(), func(s *stack) {
		for _, path := range []string{"/gorilla", "/x"} {
			c := s.dial(path)
			if c == nil {
				return
			}
			defer c.Close()
			for _, size := range sizes {
				if size == 0 && path == "/x" {
					continue // which copies nothing
				}
				message := bytes.Repeat([]byte("m"), size)
				if err := c.WriteMessage(websocket.BinaryMessage, message); err != nil {
					s.t.Fatal(err)
				}
				var got []byte
				for first := true; first || len(got) < size; first = false { // one may come back in parts
					_, data, err := c.ReadMessage()
					if err != nil {
						s.t.Fatalf("%s, %d bytes: %v", path, size, err)
					}
					got = append(got, data...)
				}
				if !bytes.Equal(got, message) {
					s.t.Errorf("%s: %d bytes of %d", path, len(got), size)
				}
			}
		}
	})
}

// TestWebSocketByXNet is a client of the other implementation.
func TestWebSocketByXNet(t *testing.T) {
	inEveryStack(t, origins(), func(s *stack) {
		for _, path := range []string{"/gorilla", "/x"} {
			c, err := xwebsocket.Dial(strings.Replace(s.url, "http", "ws", 1)+path, "", s.url)
			if err != nil {
				s.t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			c.PayloadType = xwebsocket.BinaryFrame
			for _, size := range sizes[1:] {
				message := bytes.Repeat([]byte("m"), size)
				if _, err := c.Write(message); err != nil {
					s.t.Fatal(err)
				}
				got := make([]byte, size)
				if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, message) {
					s.t.Fatalf("%s, %d bytes: %v", path, size, err)
				}
			}
		}
	})
}

// TestWebSocketsEnd from either side, in order and not.
func TestWebSocketsEnd(t *testing.T) {
	ended := make(chan error, 1)
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			ended <- err
			return
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(patience))
		_, _, err = c.ReadMessage()
		ended <- err
	})
	inEveryStack(t, origin, func(s *stack) {
		c := s.dial("/")
		if c == nil {
			return
		}
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye")
		if err := c.WriteMessage(websocket.CloseMessage, bye); err != nil {
			s.t.Fatal(err)
		}
		if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			s.t.Errorf("the client's end: %v", err)
		}
		if err := await(s.t, ended, "the origin"); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			s.t.Errorf("the origin's end: %v", err)
		}
		c.Close()

		for _, reset := range []bool{false, true} {
			if c = s.dial("/"); c == nil {
				return
			}
			if tcp, ok := c.NetConn().(*net.TCPConn); ok && reset {
				tcp.SetLinger(0)
			}
			c.Close()
			var timeout net.Error
			if err := await(s.t, ended, "the origin"); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
				s.t.Errorf("the origin of a client that has gone: %v", err)
			}
		}
	})
	inEveryStack(t, http.HandlerFunc(echoWebSocket), func(s *stack) {
		c := s.dial("/")
		if c == nil {
			return
		}
		defer c.Close()
		c.WriteMessage(websocket.TextMessage, []byte("leave"))
		if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			s.t.Errorf("the end: %v", err)
		}
	})
}

// TestWebSocketsThatAreRefused get the origin's answer.
func TestWebSocketsThatAreRefused(t *testing.T) {
	inEveryStack(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 403) }), func(s *stack) {
		_, resp, err := websocket.DefaultDialer.Dial(strings.Replace(s.url, "http", "ws", 1), nil)
		if err == nil || resp == nil || resp.StatusCode != 403 {
			s.t.Errorf("%v, error %v", resp, err)
		}
	})
}

// chat is a WebSocket of a load.
func (s *stack) chat(n int) {
	c := s.dial("/socket")
	if c == nil {
		return
	}
	defer c.Close()
	for i := range 5 {
		message := strings.Repeat("m", n*i*101)
		if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			s.t.Error(err)
			return
		}
		if _, got, err := c.ReadMessage(); string(got) != message || err != nil {
			s.t.Errorf("%d bytes of %d, %v", len(got), len(message), err)
			return
		}
	}
}
