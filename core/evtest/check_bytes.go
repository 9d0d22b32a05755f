package evtest

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// Bytes is an endless sequence of bytes that follows from the seed and a name, and a
// check of what arrives of it: one direction of a stream. The sender takes the bytes
// that it sends, and the receiver hands over what it gets, in pieces of whatever size.
// A byte that was lost, invented, repeated or moved fails the test, with the offset
// at which it was noticed. Nothing is kept in memory, however long the sequence. Its
// methods may be called from any goroutine.
type Bytes struct {
	world *World
	name  string
	key   uint64

	mu     sync.Mutex
	taken  int64
	came   int64
	failed bool
}

// Bytes returns a sequence. Those of different names have nothing in common.
func (w *World) Bytes(name string) *Bytes {
	return &Bytes{world: w, name: name, key: w.random("bytes", name).Uint64()}
}

// Take returns the next n bytes, for the sender.
func (b *Bytes) Take(n int) []byte {
	p := make([]byte, n)
	b.next(p)
	return p
}

// Read implements io.Reader: it fills p with the next bytes, and never fails.
func (b *Bytes) Read(p []byte) (int, error) {
	b.next(p)
	return len(p), nil
}

// next fills p with the next bytes.
func (b *Bytes) next(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(p, b.taken)
	b.taken += int64(len(p))
}

// Return takes back the last n bytes that were taken, as they were not sent after all.
func (b *Bytes) Return(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= int64(n)
}

// Check compares what has arrived at the receiver with what is next, and reports
// whether that is so.
func (b *Bytes) Check(p []byte) bool {
	b.world.t.Helper()
	_, err := b.Write(p)
	return err == nil
}

// Write implements io.Writer: it is Check, with an error for those who copy.
func (b *Bytes) Write(p []byte) (int, error) {
	b.world.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed {
		return 0, fmt.Errorf("%s: has failed before", b.name)
	}
	if err := b.compare(p); err != nil {
		b.failed = true
		b.world.Failf("%s: %v", b.name, err)
		return 0, err
	}
	b.came += int64(len(p))
	return len(p), nil
}

// Taken returns how many bytes were taken, and Arrived how many of them were checked.
func (b *Bytes) Taken() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// Arrived returns how many bytes have arrived.
func (b *Bytes) Arrived() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.came
}

// End says that the stream has ended in order, so that everything must have arrived
// that was taken.
func (b *Bytes) End() {
	b.world.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed || b.came == b.taken {
		return
	}
	b.failed = true
	b.world.Failf("%s: the end has come at %d, and %d bytes were lost", b.name, b.came, b.taken-b.came)
}

// compare returns what is wrong with p.
func (b *Bytes) compare(p []byte) error {
	var part [512]byte
	for done := 0; done < len(p); done += len(part) {
		q := p[done:min(done+len(part), len(p))]
		at := b.came + int64(done)
		b.fill(part[:len(q)], at)
		for i, c := range q {
			if at+int64(i) >= b.taken {
				return fmt.Errorf("byte %d was invented: only %d were sent", at+int64(i), b.taken)
			}
			if c != part[i] {
				return fmt.Errorf("byte %d is wrong: %s", at+int64(i), b.explain(q[i:], at+int64(i)))
			}
		}
	}
	return nil
}

// What is searched for a place that wrong bytes come from, and how many of them make a
// place certain.
const (
	nearby  = 1 << 20
	certain = 4
)

// explain says where the bytes come from that have arrived instead of those at an
// offset.
func (b *Bytes) explain(p []byte, at int64) string {
	p = p[:min(len(p), 16)]
	q := make([]byte, len(p))
	if len(p) >= certain {
		for distance := int64(1); distance <= nearby; distance++ {
			if from := at + distance; from+int64(len(p)) <= b.taken {
				if b.fill(q, from); string(q) == string(p) {
					return fmt.Sprintf("%d bytes before were lost or come later", distance)
				}
			}
			if from := at - distance; from >= 0 {
				if b.fill(q, from); string(q) == string(p) {
					return fmt.Sprintf("it has come before, at %d", from)
				}
			}
		}
	}
	b.fill(q, at)
	return fmt.Sprintf("% x has come, not % x", p, q)
}

// fill writes the bytes from an offset on to p.
func (b *Bytes) fill(p []byte, at int64) {
	var word [8]byte
	for len(p) > 0 {
		binary.LittleEndian.PutUint64(word[:], mix(b.key+uint64(at/8)))
		n := copy(p, word[at%8:])
		p, at = p[n:], at+int64(n)
	}
}

// mix is a permutation of numbers without visible order, that of SplitMix64.
func mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
