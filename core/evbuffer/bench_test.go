package evbuffer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func BenchmarkAddDrain(b *testing.B) {
	for _, size := range []int{16, 64, 512, 4096, 65536, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := make([]byte, size)
			var buf evbuffer.Buffer
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				buf.Add(p)
				buf.Drain(size)
			}
		})
	}
}

// BenchmarkAddMany appends small pieces up to a megabyte before they go.
func BenchmarkAddMany(b *testing.B) {
	p := make([]byte, 100)
	var buf evbuffer.Buffer
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		buf.Add(p)
		if buf.Len() >= 1<<20 {
			buf.Drain(buf.Len())
		}
	}
}

// BenchmarkStream appends at one end and takes away at the other.
func BenchmarkStream(b *testing.B) {
	p := make([]byte, 100)
	var buf evbuffer.Buffer
	buf.Add(make([]byte, 1000))
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		buf.Add(p)
		buf.Remove(p)
	}
}

func BenchmarkReserveCommit(b *testing.B) {
	var buf evbuffer.Buffer
	b.ReportAllocs()
	for b.Loop() {
		var vecs [2][]byte
		n, _ := buf.Reserve(1000, vecs[:])
		vecs[0] = vecs[0][:100]
		buf.Commit(vecs[:n])
		buf.Drain(100)
	}
}

func BenchmarkMove(b *testing.B) {
	for _, chunks := range []int{1, 16, 1024} {
		b.Run(fmt.Sprintf("chunks=%d", chunks), func(b *testing.B) {
			var from, to evbuffer.Buffer
			p := make([]byte, 4096)
			for range chunks {
				from.AddReference(p, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				to.AddBuffer(&from)
				from.AddBuffer(&to)
			}
		})
	}
}

func BenchmarkReference(b *testing.B) {
	p := make([]byte, 4096)
	var buf evbuffer.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.AddReference(p, nil)
		buf.Drain(len(p))
	}
}

func BenchmarkReadLine(b *testing.B) {
	line := []byte("GET /index.html HTTP/1.1\r\n")
	var buf evbuffer.Buffer
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		buf.Add(line)
		if _, err := buf.ReadLine(evbuffer.EOLCRLF); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, chunk := range []int{512, 4096, 1 << 20} {
		b.Run(fmt.Sprintf("chunk=%d", chunk), func(b *testing.B) {
			var buf evbuffer.Buffer
			p := make([]byte, chunk)
			for range 1 << 20 / chunk {
				buf.AddReference(p, nil)
			}
			buf.AddString("\r\n\r\n")
			b.SetBytes(1 << 20)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := buf.Search([]byte("\r\n\r\n"), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEcho carries messages from one socket to another through two
// buffers, as a server's do.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			pair := socketPair(b)
			var in, out, back evbuffer.Buffer
			message := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				back.Add(message)
				transfer(b, &back, pair[0])
				if _, err := in.ReadFD(pair[1], -1); err != nil {
					b.Fatal(err)
				}
				out.AddBuffer(&in)
				transfer(b, &out, pair[1])
				if _, err := back.ReadFD(pair[0], -1); err != nil {
					b.Fatal(err)
				}
				back.Drain(size)
			}
		})
	}
}

func transfer(b *testing.B, buf *evbuffer.Buffer, fd int) {
	if _, err := buf.WriteFD(fd); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkManyConnections does what one iteration of a server's loop does: it
// reads a message from each of many sockets, moves it to another buffer, and
// only then writes all of them. It reports the time that takes for a message,
// without that of the peers, and the memory that each holds meanwhile.
func BenchmarkManyConnections(b *testing.B) {
	for _, size := range []int{64, 4096} {
		for _, n := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("size=%d/n=%d", size, n), func(b *testing.B) { benchmarkRounds(b, size, n) })
		}
	}
}

// A connection is a server's end of a socket pair and the buffers on it.
type connection struct {
	pair    [2]int
	in, out evbuffer.Buffer
}

func benchmarkRounds(b *testing.B, size, n int) {
	connections := make([]connection, n)
	for i := range connections {
		c := &connections[i]
		c.pair = socketPair(b)
		ok(b, c.in.SetMaxRead(evbuffer.MaxClassSize))
	}
	message := [][]byte{make([]byte, size)}
	var busy time.Duration
	held := 0
	for b.Loop() {
		for i := range connections {
			sysio.Send(connections[i].pair[0], message)
		}
		start := time.Now()
		readRound(b, connections)
		busy += time.Since(start)
		held = 0
		for i := range connections {
			held += memory(&connections[i].in)
		}
		start = time.Now()
		writeRound(b, connections)
		busy += time.Since(start)
		for i := range connections {
			if got, err := sysio.Recv(connections[i].pair[0], message); got != size || err != nil {
				b.Fatal(got, err)
			}
		}
	}
	b.ReportMetric(float64(held)/float64(n), "B/connection")
	b.ReportMetric(float64(busy.Nanoseconds())/float64(b.N*n), "ns/message")
}

func readRound(b *testing.B, connections []connection) {
	for i := range connections {
		c := &connections[i]
		if _, err := c.in.ReadFD(c.pair[1], -1); err != nil {
			b.Fatal(err)
		}
	}
}

func writeRound(b *testing.B, connections []connection) {
	for i := range connections {
		connections[i].out.AddBuffer(&connections[i].in)
	}
	for i := range connections {
		c := &connections[i]
		transfer(b, &c.out, c.pair[1])
	}
}
