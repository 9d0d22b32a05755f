package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// dnsServerNames is how many names a DNS server is asked for, in turns.
const dnsServerNames = 1000

// DNSServer measures a DNS server with queries that are sent and received in
// batches, so that the server is always busy.
func DNSServer(command []string, outstanding int, d time.Duration) ([]measure.Figure, error) {
	return with(command, func(s *server) ([]measure.Figure, error) {
		if _, err := askServer(s, outstanding, warmup); err != nil {
			return nil, err
		}
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		n, err := askServer(s, outstanding, d)
		if err != nil {
			return nil, err
		}
		used, err := m.stop()
		return queryFigures(used, n), err
	})
}

func queryFigures(used usage, queries int) []measure.Figure {
	return append([]measure.Figure{
		{Name: "rate", Value: float64(queries) / float64(used.elapsed.Milliseconds())},
		{Name: "server CPU", Value: microseconds(used.server) / float64(queries)},
	}, used.figures()...)
}

// askServer has a number of queries outstanding for a while, checks all the
// responses, and returns their number.
func askServer(s *server, outstanding int, d time.Duration) (int, error) {
	fd, err := dialUDP(s.addr)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	a := newAsker(fd, outstanding)
	if err := a.send(outstanding); err != nil {
		return 0, err
	}
	began := time.Now()
	for time.Since(began) < d || a.received == 0 {
		n, err := a.receive()
		if err != nil {
			return 0, err
		}
		if err := a.send(n); err != nil {
			return 0, err
		}
	}
	return a.received, nil
}

// asker sends queries, each with an id of its own.
type asker struct {
	fd        int
	queries   [][]byte       // for each name
	asked     [1 << 16]int32 // one more than the index of the query, by id, or 0
	next      int            // query
	received  int
	out, back *rawio.Batch
}

func newAsker(fd, outstanding int) *asker {
	a := &asker{
		fd:   fd,
		out:  rawio.NewBatch(outstanding, dnsQueryMax),
		back: rawio.NewBatch(outstanding, dnsQueryMax),
	}
	for _, name := range benchNames(dnsServerNames) {
		a.queries = append(a.queries, appendQuery(nil, name))
	}
	return a
}

// send sends the next n queries.
func (a *asker) send(n int) error {
	for i := range n {
		id, query := uint16(a.next), a.next%len(a.queries)
		a.next++
		a.asked[id] = int32(query) + 1
		p := a.out.Buffer(i)
		a.out.SetLen(i, copy(p, a.queries[query]))
		binary.BigEndian.PutUint16(p, id)
	}
	if errno := a.out.Send(a.fd, n); errno != 0 {
		return fmt.Errorf("send queries: %w", errno)
	}
	return nil
}

// receive waits for responses, checks them, and returns how many there are.
func (a *asker) receive() (int, error) {
	n, errno := a.back.Receive(a.fd)
	switch errno {
	case 0:
	case unix.EINTR:
		return 0, nil
	case unix.EAGAIN:
		return 0, fmt.Errorf("%d queries without a response for %v", a.next-a.received, patience)
	default:
		return 0, fmt.Errorf("receive responses: %w", errno)
	}
	for i := range n {
		if err := a.check(a.back.Received(i)); err != nil {
			return 0, err
		}
	}
	a.received += n
	return n, nil
}

func (a *asker) check(response []byte) error {
	if len(response) < dnsHeaderLen {
		return fmt.Errorf("a response of %d bytes", len(response))
	}
	id := binary.BigEndian.Uint16(response)
	query := int(a.asked[id]) - 1
	if query < 0 {
		return fmt.Errorf("a response with id %d, which is not outstanding", id)
	}
	a.asked[id] = 0
	return checkAnswer(response, a.queries[query])
}

// dialUDP returns a socket that is connected to an address, and waits no longer
// than patience for a datagram.
func dialUDP(addr netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	wait := unix.NsecToTimeval(patience.Nanoseconds())
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}))
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", addr, err)
	}
	return fd, nil
}
