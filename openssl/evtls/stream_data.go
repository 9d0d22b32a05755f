package evtls

import (
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// scratch has memory that records are decrypted into. It is copied from there,
// so that a short message does not occupy the memory of a long one.
var scratch = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// pull decrypts what has arrived, as far as the high watermark allows, and tells
// the user. If that is asked for again meanwhile, by a callback of a buffer, it
// is done once more.
func (s *stream) pull(opts bufferevent.TriggerOptions) {
	if s.pulling {
		s.again = true
		return
	}
	c, n := s.c, s.takeInAll()
	if n > 0 {
		c.RestartTimeouts(event.Read)
		s.bev.Trigger(event.Read, opts)
	}
	if s.phase != phaseFailed {
		s.reportEnd(opts)
	}
}

func (s *stream) takeInAll() (n int) {
	s.pulling = true
	defer func() { s.pulling = false }() // a callback of a buffer may panic
	s.hold(0)
	for s.again = true; s.again; {
		s.again = false
		n += s.takeIn()
	}
	s.holdPart()
	return n
}

// holdPart keeps a part of a record below from counting against the watermark there,
// which would keep out the rest.
func (s *stream) holdPart() {
	part := s.under().Input().Len() // of no record that is whole
	if part == 0 && !s.holding || !s.c.Alive() {
		return
	}
	if part > 0 && (!s.open() || s.conn.more || s.conn.mem.ready()) {
		part = 0
	}
	s.hold(part)
}

func (s *stream) hold(part int) {
	if part > 0 || s.holding {
		s.holding = part > 0
		s.layer.HoldInput(part)
	}
}

// takeIn decrypts what has arrived and returns how much that was. Alerts and
// answers to key updates go out.
func (s *stream) takeIn() int {
	if !s.wantsInput() {
		return 0
	}
	s.conn.mem.ended = s.input == inputLast
	n, err := s.decrypt()
	if err != nil {
		s.noteEnd(err)
	}
	return n
}

// wantsInput reports whether the user wants what would be decrypted. A peer that asks for
// key updates and does not take the answers has to wait until it does.
func (s *stream) wantsInput() bool {
	c := s.c
	return s.open() && s.input != inputEnded && c.Alive() && c.Wants(event.Read) && !c.InputFull() &&
		s.under().Output().Len() < maxAnswers
}

// decrypt reads until there is nothing, or no room, and returns how much that
// was. Asking crypto/tls when it has nothing costs an allocation.
func (s *stream) decrypt() (total int, err error) {
	p := scratch.Get().(*[maxRecord]byte)
	total, err = s.decryptBy(p)
	scratch.Put(p) // but not after a panic, when it may be in use
	return total, err
}

func (s *stream) decryptBy(p *[maxRecord]byte) (total int, err error) {
	c, m := s.c, &s.conn.mem
	for s.wantsInput() && (s.conn.more || m.ready() || m.ended) {
		room := p[:]
		if n := c.InputRoom(); n >= 0 {
			room = room[:min(n, len(room))]
		}
		n, err := s.conn.tls.Read(room)
		s.conn.more = n == len(room)
		if n > 0 {
			total += n
			if err := s.deliver(room[:n]); err != nil {
				return total, err
			}
		}
		if err == errNoData {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// deliver puts into the input what was decrypted.
func (s *stream) deliver(p []byte) error {
	input := s.c.Input()
	input.Unfreeze(evbuffer.Back)
	defer input.Freeze(evbuffer.Back) // a callback of the buffer may panic
	return input.Add(p)
}

// push encrypts output and tells the user if enough of it has gone.
func (s *stream) push() {
	s.encrypt()
	s.reportWritten()
}

// encrypt encrypts output as long as there is not too much below, and says that
// we have ended once that is all. What is below may call for more while it gets
// some; that comes anyway.
func (s *stream) encrypt() {
	c := s.c
	if !s.open() || s.output >= outputClosed || s.writing {
		return
	}
	s.writing = true
	defer func() { s.writing = false }()
	if c.Wants(event.Write) {
		n, err := s.records()
		if n > 0 {
			s.unreported = true
			c.RestartTimeouts(event.Write)
		}
		if err != nil {
			s.breakWrite(err)
			return
		}
	}
	if s.output == outputClosing && s.bev.Output().Len() == 0 {
		s.closeNotify()
	}
}

// records makes records of the output, and returns how much of it.
func (s *stream) records() (total int, err error) {
	output, below := s.c.Output(), s.under().Output()
	output.Unfreeze(evbuffer.Front)
	defer output.Freeze(evbuffer.Front)
	for output.Len() > 0 && below.Len() < maxQueued && !s.layer.OutputFull() && s.c.Alive() {
		p, err := s.piece(&output.Buffer)
		if err != nil {
			return total, err
		}
		n, err := s.conn.tls.Write(p)
		output.Drain(n)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// piece returns what comes next, at most a record's worth.
func (s *stream) piece(output *evbuffer.Buffer) ([]byte, error) {
	if s.flags&BatchWrite != 0 {
		return output.Pullup(min(output.Len(), maxRecord))
	}
	var vecs [1][]byte
	if _, err := output.Peek(1, nil, vecs[:]); err != nil {
		return nil, err
	}
	return vecs[0][:min(len(vecs[0]), maxRecord)], nil
}

// closeNotify says that we have ended. What the peer sends is still read. The
// write callback tells when it has left.
func (s *stream) closeNotify() {
	s.output = outputClosed
	if err := s.conn.tls.CloseWrite(); err != nil {
		s.breakWrite(err)
		return
	}
	s.unreported = true
	s.c.WriteEnded()
}

// reportWritten runs the write callback if something was encrypted and no more is
// left, here and below, than the low watermark: a callback that frees the bufferevent
// when all is written must not lose what was only encrypted.
func (s *stream) reportWritten() {
	if !s.unreported || !s.c.Alive() {
		return
	}
	low, _, _ := s.bev.Watermark(event.Write)
	queued := s.Queued()
	if s.bev.Output().Len()+queued > low {
		return
	}
	s.unreported = queued > 0
	s.c.Triggered(event.Write)
}

// Queued implements bufferevent.Queuer: it returns how much was encrypted and has not
// left yet, which is more than what is below if that is a Queuer, too.
func (s *stream) Queued() int { return s.layer.Queued() }

// onRead is called when there is input below.
func (s *stream) onRead(*bufferevent.Bufferevent) {
	if c := s.c; c.Begin() {
		defer c.End()
		s.driveHandshake()
		s.pull(0)
	}
}

// onWrite is called when something has left below.
func (s *stream) onWrite(*bufferevent.Bufferevent) {
	if c := s.c; c.Begin() {
		defer c.End()
		s.push()
		s.pull(0)
	}
}
