package load

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

const (
	// warmup is how long messages are exchanged before the clock starts.
	warmup = 200 * time.Millisecond

	// fastest is more messages a second than any server echoes.
	fastest = 1_000_000
)

// Echo measures the exchange of messages: one is under way on each connection.
func Echo(command []string, size, conns int, d time.Duration) ([]measure.Figure, error) {
	return with(command, echo(size, conns, d))
}

// TLSEcho is Echo over TLS.
func TLSEcho(command []string, size, conns int, d time.Duration) ([]measure.Figure, error) {
	return withTLS(command, echo(size, conns, d))
}

func echo(size, conns int, d time.Duration) work {
	return func(s *server) ([]measure.Figure, error) {
		x, err := newExchange(s, size, conns)
		if err != nil {
			return nil, err
		}
		defer x.pool.close()
		if err := x.begin(); err != nil {
			return nil, err
		}
		if err := x.run(warmup); err != nil {
			return nil, err
		}
		x.latencies = make([]time.Duration, 0, int(d.Seconds()*fastest))
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		if err := x.run(d); err != nil {
			return nil, err
		}
		used, err := m.stop()
		if err != nil {
			return nil, err
		}
		return append(x.figures(used), used.figures()...), nil
	}
}

// exchange keeps a message under way on each connection.
type exchange struct {
	turns
	message []byte
	clients []client
}

// client is one connection's message.
type client struct {
	sent time.Duration
	got  int // bytes that came back
}

// newExchange opens the connections and makes sure that they echo.
func newExchange(s *server, size, conns int) (*exchange, error) {
	p, err := newPool()
	if err != nil {
		return nil, err
	}
	err = p.open(s, conns, unix.EPOLLIN)
	if err == nil {
		err = p.verify(0, size)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	x := &exchange{message: pattern(0, size), clients: make([]client, conns)}
	x.turns = turns{pool: p, with: x, began: time.Now()}
	return x, nil
}

// receive takes what came back, and sends the next message if it was all of
// the one before. One look at the clock serves both.
func (x *exchange) receive(i int) error {
	c := &x.clients[i]
	n, err := x.pool.links[i].discard(len(x.message) - c.got)
	if err == unix.EAGAIN {
		return nil // the event was that of what verify read
	}
	if n <= 0 {
		return received(err)
	}
	c.got += n
	if c.got < len(x.message) {
		return nil
	}
	now := time.Since(x.began)
	x.latencies = append(x.latencies, now-c.sent)
	x.underWay--
	if x.ending {
		return nil
	}
	return x.send(i, now)
}

// send sends a message. It fits into an empty socket.
func (x *exchange) send(i int, now time.Duration) error {
	x.clients[i] = client{sent: now}
	x.underWay++
	return sendAll(x.pool.links[i], x.message)
}

// figures returns what the exchange measured.
func (x *exchange) figures(used usage) []measure.Figure {
	slices.Sort(x.latencies)
	n := float64(len(x.latencies))
	return []measure.Figure{
		{Name: "rate", Value: n / used.elapsed.Seconds() / 1000},
		{Name: "server CPU", Value: microseconds(used.server) / n},
		{Name: "median", Value: microseconds(stats.Quantile(x.latencies, 0.5))},
		{Name: "99.9th percentile", Value: microseconds(stats.Quantile(x.latencies, 0.999))},
	}
}

func microseconds(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000
}
