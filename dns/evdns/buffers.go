package evdns

import (
	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// buffers is the memory for messages that all sockets and connections of a resolver
// share: each is used from one call into the other, never across two.
type buffers struct {
	batch     *datagram.Batch
	batchSize int                // of its datagrams
	datagrams []datagram.Message // to be sent
	stream    []byte             // a message from a stream
	reader    dnswire.Reader
}

// udpBatch returns the batch, for answers of up to udpSize bytes.
func (m *buffers) udpBatch(udpSize int) *datagram.Batch {
	size := max(udpSize, minUDPRoom)
	if m.batch == nil || m.batchSize != size {
		m.batch, m.batchSize = datagram.NewBatch(udpBatch, size), size
		m.batch.AllowSegments()
	}
	return m.batch
}

// addDatagram adds a message to those that sendDatagrams sends.
func (m *buffers) addDatagram(data []byte) {
	m.datagrams = append(m.datagrams, datagram.Message{Data: data})
}

// sendDatagrams sends the messages that were added, and returns how many the socket
// has taken.
func (m *buffers) sendDatagrams(socket *datagram.Socket, udpSize int) (int, error) {
	socket.SetBatch(m.udpBatch(udpSize)) // the size may have changed
	n, err := socket.SendNow(m.datagrams)
	clear(m.datagrams)
	m.datagrams = m.datagrams[:0]
	if cap(m.datagrams) > maxIdle {
		m.datagrams = nil
	}
	return n, err
}

// message returns memory for a message from a stream.
func (m *buffers) message(n int) []byte {
	if cap(m.stream) < n {
		m.stream = make([]byte, n)
	}
	return m.stream[:n]
}
