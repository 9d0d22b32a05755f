package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// rpcTarget is where evrpc's servers have the RPC.
const rpcTarget = "/.rpc." + greeting.Name

// RPC measures a server of evrpc, or of net/rpc: it makes calls on each of a number of
// connections, one after the other, whose replies are their requests.
func RPC(command []string, lines, conns int, d time.Duration) ([]measure.Figure, error) {
	if speaksNetRPC(command) {
		return netRPC(command, lines, conns, d)
	}
	return with(command, func(s *server) ([]measure.Figure, error) {
		x, err := newRPCExchange(s, lines, conns)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		return x.measure(d)
	})
}

// RPCClient measures a client of evrpc, or of net/rpc, as HTTPClient measures one of HTTP.
func RPCClient(command []string, lines, conns int, d time.Duration) ([]measure.Figure, error) {
	if speaksNetRPC(command) {
		return netRPCClient(command, lines, conns, d)
	}
	body, err := encodeGreeting(lines)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nDate: %s\r\nContent-Length: %d\r\n\r\n",
		time.Now().UTC().Format(http.TimeFormat), len(body))
	o := &origin{target: []byte("POST " + rpcTarget + " HTTP/1.1\r\n"), body: body, response: append([]byte(head), body...)}
	if err := o.open(conns); err != nil {
		return nil, err
	}
	defer o.close()
	args := append(command[:len(command):len(command)], o.addr.String(), strconv.Itoa(lines), strconv.Itoa(conns))
	return with(args, func(client *server) ([]measure.Figure, error) { return o.measure(client, d) })
}

// encodeGreeting returns the message as it is sent.
func encodeGreeting(lines int) ([]byte, error) {
	var b evbuffer.Buffer
	if err := greeting.New(lines).AppendTo(&b); err != nil {
		return nil, err
	}
	return io.ReadAll(&b)
}

// newRPCExchange opens the connections and makes sure of what the server replies.
func newRPCExchange(s *server, lines, conns int) (*httpExchange, error) {
	body, err := encodeGreeting(lines)
	if err != nil {
		return nil, err
	}
	p, err := newPool()
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %v\r\nContent-Length: %d\r\n\r\n%s", rpcTarget, s.addr, len(body), body)
	x := &httpExchange{
		server:   s,
		work:     HTTPWork{Size: len(body), Depth: 1, Conns: conns},
		requests: request,
		streams:  make([]stream, conns),
		buf:      make([]byte, httpBuffer),
	}
	for i := range x.streams {
		x.streams[i].size = len(body)
	}
	x.turns = turns{pool: p, with: x, began: time.Now()}
	if err = p.open(s, conns, unix.EPOLLIN); err == nil {
		err = p.verifyRPC(request, body)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return x, nil
}

// verifyRPC makes a call on each connection, and looks at all of the reply.
func (p *pool) verifyRPC(request, body []byte) error {
	for i := range p.links {
		err := sendAll(p.links[i], request)
		var text []byte
		if err == nil {
			text, err = p.readResponse(i, len(body))
		}
		if err == nil && !bytes.HasSuffix(text, body) {
			err = fmt.Errorf("another reply: %q", text)
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}
