package evtls

import (
	"io"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
)

// scratch has memory that records are decrypted into. It is copied from there,
// so that a short message does not occupy the memory of a long one.
var scratch = sync.Pool{New: func() any { return new([maxRecord]byte) }}

// Decode implements bufferevent.Transform: it decrypts a record. Alerts and answers to key
// updates go out. A peer that asks for key updates and does not take the answers has to
// wait until it does.
func (s *stream) Decode(_, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	m := &s.conn.mem
	m.ended = mode == bufferevent.ModeFinished
	switch {
	case m.out.Len() >= maxAnswers:
		return bufferevent.ErrBlocked
	case !s.conn.more && !m.ended && !m.ready(): // asking crypto/tls would cost an allocation
		return bufferevent.ErrNeedMore
	}
	p := scratch.Get().(*[maxRecord]byte)
	room := p[:]
	if limit >= 0 {
		room = room[:min(limit, len(room))]
	}
	err := s.decrypt(dst, room)
	scratch.Put(p) // but not after a panic, when it may be in use
	return err
}

// decrypt reads what is next, no more than there is room for.
func (s *stream) decrypt(dst *evbuffer.Buffer, room []byte) error {
	n, err := s.conn.tls.Read(room)
	s.conn.more = n == len(room) && n < maxRecord
	if n > 0 {
		if err := dst.Add(room[:n]); err != nil {
			return err
		}
	}
	switch cut := s.conn.mem.cut; {
	case err == nil:
		return nil
	case err == errNoData && n > 0:
		return nil
	case err == errNoData:
		return bufferevent.ErrNeedMore
	case cut && s.flags&DirtyShutdown != 0:
		return io.EOF
	case cut:
		return io.ErrUnexpectedEOF
	}
	return err
}

// Encode implements bufferevent.Transform: it makes records of the output, and at the end
// the close_notify alert, after which what the peer sends is still read. limit is where
// it stops, at the end of a record.
func (s *stream) Encode(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	for from := dst.Len(); src.Len() > 0 && (limit < 0 || dst.Len()-from < limit) && s.c.Alive(); {
		p, err := s.piece(src)
		if err != nil {
			return err
		}
		n, err := s.conn.tls.Write(p)
		if drainErr := src.Drain(n); err == nil {
			err = drainErr
		}
		if err != nil {
			return err
		}
	}
	if mode == bufferevent.ModeFinished {
		return s.conn.tls.CloseWrite()
	}
	return nil
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
