package fixed

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// streams are the connections of a peer.
type streams struct {
	work  Work
	addr  string
	conns []net.Conn
}

func (s *streams) address() string { return "" }

func (s *streams) connect(addr string) error {
	s.addr = addr
	for range s.work.N {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
	}
	return nil
}

func (s *streams) close() {
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

// sendAll sends the same on each connection.
func (s *streams) sendAll(text []byte) error {
	for _, conn := range s.conns {
		if _, err := conn.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// echoPeer sends messages and gets them back.
type echoPeer struct{ streams }

// message is what is echoed.
var message = bytes.Repeat([]byte("0123456789abcdef"), messageSize/16)

// connect makes TLS connections where that is the work.
func (e *echoPeer) connect(addr string) error {
	if err := e.streams.connect(addr); err != nil || e.work.Name != "tls" {
		return err
	}
	config := &tls.Config{
		InsecureSkipVerify: true, // who has signed the certificate is not asked
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519},
	}
	for i, conn := range e.conns {
		client := tls.Client(conn, config)
		if err := client.Handshake(); err != nil {
			return err
		}
		e.conns[i] = client
	}
	return nil
}

func (e *echoPeer) send() error { return e.sendAll(message) }

func (e *echoPeer) receive() error {
	var back [messageSize]byte
	for _, conn := range e.conns {
		if _, err := io.ReadFull(conn, back[:]); err != nil {
			return err
		}
		if !bytes.Equal(back[:], message) {
			return fmt.Errorf("%q came back", back)
		}
	}
	return nil
}

// httpPeer sends requests.
type httpPeer struct {
	streams
	fresh bool // each request has a connection of its own
	text  []byte
	size  int // of a response, or 0 if it is not known yet
	buf   []byte
}

func newHTTPPeer(w Work) *httpPeer {
	h := &httpPeer{streams: streams{work: w}, fresh: w.Name == "http-close"}
	request := "GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n"
	if h.fresh {
		request = "GET / HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n"
	}
	h.text = []byte(strings.Repeat(request, w.Depth))
	return h
}

func (h *httpPeer) connect(addr string) error {
	if h.fresh {
		h.addr = addr
		return nil
	}
	return h.streams.connect(addr)
}

func (h *httpPeer) send() error {
	if h.fresh {
		if err := h.streams.connect(h.addr); err != nil {
			return err
		}
	}
	return h.sendAll(h.text)
}

func (h *httpPeer) receive() error {
	for _, conn := range h.conns {
		if err := h.receiveOn(conn); err != nil {
			return err
		}
	}
	if h.fresh {
		h.close()
	}
	return nil
}

// receiveOn receives the responses to what was sent on a connection. All are of
// the length of the first, which is parsed.
func (h *httpPeer) receiveOn(conn net.Conn) error {
	if h.size == 0 {
		var text bytes.Buffer
		if err := checkResponse(io.TeeReader(oneByte{conn}, &text)); err != nil {
			return err
		}
		h.size = text.Len()
		h.buf = make([]byte, h.size*h.work.Depth)
		_, err := io.ReadFull(conn, h.buf[h.size:])
		return err
	}
	if _, err := io.ReadFull(conn, h.buf); err != nil {
		return err
	}
	for i := 0; i < len(h.buf); i += h.size {
		if !bytes.HasPrefix(h.buf[i:], []byte("HTTP/1.1 200 ")) || !bytes.HasSuffix(h.buf[:i+h.size], []byte(hello)) {
			return fmt.Errorf("response %q", h.buf[i:i+h.size])
		}
	}
	return nil
}

// checkResponse reads a response and no more.
func checkResponse(r io.Reader) error {
	response, err := http.ReadResponse(bufio.NewReaderSize(r, 1), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || string(body) != hello {
		return fmt.Errorf("status %s, body %q", response.Status, body)
	}
	return nil
}

// oneByte is a reader that never reads more than is needed.
type oneByte struct{ conn net.Conn }

func (o oneByte) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, errors.New("nothing to read into")
	}
	return o.conn.Read(p[:1])
}
