package simulation_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

// A connWriter writes messages, one after the other, beside others.
type connWriter struct {
	number, count, most int
	done                int // messages that were written
	rand                *rand.Rand
}

// connHeader is that of a message: its writer, its number, and the length of what follows.
const connHeader = 4

// connMessage makes a message.
func connMessage(writer, number, size int) []byte {
	p := make([]byte, connHeader+size)
	p[0], p[1] = byte(writer), byte(number)
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	for i := range p[connHeader:] {
		p[connHeader+i] = byte(writer*101 + number*17 + i)
	}
	return p
}

// write writes all messages of a writer, and ends the stream after the last one of all.
func (e *connEnd) write(w *connWriter) {
	for i := range w.count {
		p := connMessage(w.number, i, w.rand.IntN(w.most))
		if err := e.writeAll(w, p); err != nil {
			e.mu.Lock()
			e.failed = err
			e.mu.Unlock()
			break
		}
		w.done++
		e.checkBacklog()
		time.Sleep(e.pause)
	}
	e.endWriting()
}

// endWriting is the end of a writer, or of none.
func (e *connEnd) endWriting() {
	e.mu.Lock()
	if e.writing > 0 {
		e.writing--
	}
	last, failed := e.writing == 0, e.failed
	e.mu.Unlock()
	if !last || failed != nil {
		return
	}
	if err := e.conn.CloseWrite(); err != nil {
		e.mu.Lock()
		e.failed = err
		e.mu.Unlock()
	}
}

// close closes the connection while others use it.
func (e *connEnd) close() {
	time.Sleep(e.hasty - e.wait)
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.scene.world.Note("%s: closes", e.name)
	_ = e.conn.Close() // may have been done
}

// read reads to the end.
func (e *connEnd) read() {
	time.Sleep(e.stall)
	p := make([]byte, e.room)
	var deadline time.Time
	for {
		if e.limits {
			deadline = time.Now().Add(time.Duration(1+e.room) * time.Millisecond)
			_ = e.conn.SetReadDeadline(deadline) // fails only once it is closed, as reading does
		}
		n, err := e.conn.Read(p)
		e.mu.Lock()
		e.came += int64(n)
		e.mu.Unlock()
		if parse := e.got.feed(p[:n]); parse != nil {
			e.scene.errorf("%s: %v", e.name, parse)
		}
		switch {
		case err == nil:
		case e.moving && errors.Is(err, os.ErrDeadlineExceeded):
			if at, passed := e.deadline.passed(); !passed {
				e.scene.errorf("%s: a read has timed out %v before its deadline", e.name, time.Until(at))
			}
			time.Sleep(time.Millisecond) // until it moves
		case e.limits && errors.Is(err, os.ErrDeadlineExceeded):
			if time.Now().Before(deadline) {
				e.scene.errorf("%s: a deadline %v early", e.name, time.Until(deadline))
			}
		default:
			e.ended(err)
			return
		}
	}
}

// ended is the end of the reader.
func (e *connEnd) ended(err error) {
	e.scene.world.Note("%s: reading has ended: %v", e.name, err)
	e.mu.Lock()
	e.end = err
	e.mu.Unlock()
	for waits := true; waits; {
		e.mu.Lock()
		waits = e.writing > 0 && e.failed == nil
		e.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	_ = e.conn.Close() // may have been done in haste
	if _, err := e.conn.Write([]byte{0}); err == nil {
		e.scene.errorf("%s: can be written to after Close", e.name)
	}
}

// compare checks how all has ended.
func (s *connScene) compare() {
	for _, e := range s.ends {
		e.compareClosed()
		disturbed := !s.clean || e.closed || e.peer.closed || e.loop.early || e.peer.loop.early
		if e.conn == nil || disturbed {
			continue
		}
		if e.end != io.EOF || e.failed != nil && !errors.Is(e.failed, net.ErrClosed) {
			s.errorf("%s: reading ends with %v, and writing with %v", e.name, e.end, e.failed)
		}
		for _, w := range e.peer.writers {
			if got := e.got.next[w.number]; got != w.count {
				s.errorf("%s: %d messages of writer %d have come, of %d", e.name, got, w.number, w.count)
			}
		}
	}
}

// A connParser takes messages apart.
type connParser struct {
	rest []byte
	next [4]int // the number of each writer's next message
}

func (c *connParser) feed(p []byte) error {
	c.rest = append(c.rest, p...)
	for len(c.rest) >= connHeader {
		writer, number, size := int(c.rest[0]), int(c.rest[1]), int(binary.BigEndian.Uint16(c.rest[2:]))
		if writer >= len(c.next) || number != c.next[writer] {
			return fmt.Errorf("message %d of writer %d comes out of turn, or others are mixed up", number, writer)
		}
		if len(c.rest) < connHeader+size {
			return nil
		}
		if string(c.rest[:connHeader+size]) != string(connMessage(writer, number, size)) {
			return fmt.Errorf("message %d of writer %d is another one", number, writer)
		}
		c.next[writer]++
		c.rest = c.rest[connHeader+size:]
	}
	return nil
}
