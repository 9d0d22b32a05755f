package simulation_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"golang.org/x/crypto/chacha20poly1305"
)

// block has crypto/tls be an end, in a goroutine that waits, over a bufferevent.
func (e *tlsEnd) block(b *bufferevent.Bufferevent, cfg *tls.Config) {
	e.state = tlsBegun
	e.start()
	c := bufferevent.NewConn(b)
	e.host.Go(func() {
		err := e.converse(c, cfg)
		e.aside(func() { e.conversed(err) })
		_ = c.Close() // whatever has become of it
		e.aside(func() { e.drained = true })
	})
}

// aside has fn called while nothing else runs, as what the goroutine of an end changes, or
// looks at, is also that of the loop of the other end.
func (e *tlsEnd) aside(fn func()) {
	done := make(chan struct{})
	e.call.world.At(0, func() {
		fn()
		close(done)
	})
	<-done
}

// conversed is told how the connection has ended.
func (e *tlsEnd) conversed(err error) {
	e.call.world.Note("%v: has ended: %v", e, err == nil)
	if err != nil && !e.call.stopped[e.side] {
		reason := tlsReasonOf(err)
		if isFreed(err) || errors.Is(err, net.ErrClosed) {
			reason = reasonReset
		} else if err == io.EOF {
			reason = reasonCut
		}
		e.reason = reason
		if reason == reasonTold {
			e.told = err
		}
		e.call.world.Note("%v: %s", e, reason)
		e.wantReason(reason, err)
	}
	e.state = tlsEnded
}

// converse is the whole connection.
func (e *tlsEnd) converse(c net.Conn, cfg *tls.Config) error {
	_ = c.SetDeadline(time.Now().Add(e.habit.idle)) // of what was not closed yet
	var log strings.Builder
	cfg = cfg.Clone()
	cfg.KeyLogWriter = &log
	t := tls.Client(c, cfg)
	if e.side == 1 {
		t = tls.Server(c, cfg)
	}
	if err := t.Handshake(); err != nil {
		return err
	}
	state := t.ConnectionState()
	e.aside(func() {
		e.connected = true
		e.call.wantState(e, &state)
	})
	write, closeWrite := t.Write, t.CloseWrite
	if s := newKeySender(c, e.side, &state, log.String()); s != nil && e.habit.updates > 0 {
		s.every = e.habit.updates
		write, closeWrite = s.Write, s.CloseWrite
	}
	if err := e.send(write); err != nil {
		return e.whyNot(t, err)
	}
	if e.habit.role == roleClose {
		e.aside(e.say)
		if err := closeWrite(); err != nil {
			return e.whyNot(t, err)
		}
	}
	if err := e.receive(t); err != nil {
		return err
	}
	if e.habit.role != roleClose {
		e.aside(e.say)
		return closeWrite()
	}
	return nil
}

// say notes that our stream ends.
func (e *tlsEnd) say() { e.said = true }

func (e *tlsEnd) send(write func([]byte) (int, error)) error {
	for sent := 0; sent < len(e.out); {
		p := e.out[sent:min(len(e.out), sent+e.habit.piece)]
		sent += len(p)
		e.aside(func() { e.sent = sent })
		if m, err := write(p); err != nil || m != len(p) {
			return errors.Join(err, fmt.Errorf("%d of %d bytes were written", m, len(p)))
		}
		time.Sleep(e.habit.pause % time.Millisecond)
	}
	return nil
}

// whyNot returns why something could not be written, which the peer may have said.
func (e *tlsEnd) whyNot(t *tls.Conn, failed error) error {
	if err := e.receive(t); err != nil {
		return err
	}
	return failed
}

// receive reads to the end of the stream.
func (e *tlsEnd) receive(t *tls.Conn) error {
	p := make([]byte, e.habit.piece)
	for {
		n, err := t.Read(p)
		e.aside(func() {
			e.compare(p[:n])
			if err == io.EOF {
				err = e.received()
			}
		})
		if err != nil || e.inputEnded {
			return err
		}
	}
}

// received is told that the stream has ended, and returns why it is none if so.
func (e *tlsEnd) received() error {
	// crypto/tls takes what is cut off between two records for an end.
	if e.got < len(e.in) || !e.peer.said {
		return io.ErrUnexpectedEOF
	}
	e.inputEnded = true
	if e.call.spoiled[e.side] {
		e.errorf("crypto/tls: a clean end of a stream that was tampered with")
	}
	return nil
}

// A keySender writes TLS 1.3 records in the place of crypto/tls, which does not
// change its keys on its own (RFC 8446 sections 4.6.3, 5.2 and 7).
type keySender struct {
	conn     net.Conn
	suite    uint16
	secret   []byte
	aead     cipher.AEAD
	iv       []byte
	sequence uint64
	every    int // so many records there is an update
	records  int
}

// newKeySender returns a sender that goes on after a handshake, or nil if it cannot.
func newKeySender(c net.Conn, side int, state *tls.ConnectionState, log string) *keySender {
	label := [...]string{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}[side]
	if state.Version != tls.VersionTLS13 || state.CipherSuite == tls.TLS_AES_256_GCM_SHA384 {
		return nil
	}
	for line := range strings.Lines(log) {
		if f := strings.Fields(line); f[0] == label {
			s := &keySender{conn: c, suite: state.CipherSuite}
			s.use(must(hex.DecodeString(f[2])))
			return s
		}
	}
	return nil
}

// expand is HKDF-Expand-Label without a context.
func (s *keySender) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	return must(hkdf.Expand(sha256.New, s.secret, string(info), n))
}

func (s *keySender) use(secret []byte) {
	s.secret, s.sequence = secret, 0
	if s.suite == tls.TLS_AES_128_GCM_SHA256 {
		s.aead = must(cipher.NewGCM(must(aes.NewCipher(s.expand("key", 16)))))
	} else {
		s.aead = must(chacha20poly1305.New(s.expand("key", chacha20poly1305.KeySize)))
	}
	s.iv = s.expand("iv", 12)
}

// record writes a record of some type.
func (s *keySender) record(kind byte, data []byte) error {
	nonce := append([]byte(nil), s.iv...)
	for i, b := range binary.BigEndian.AppendUint64(nil, s.sequence) {
		nonce[4+i] ^= b
	}
	s.sequence++
	plain := append(append([]byte(nil), data...), kind)
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(plain)+s.aead.Overhead()))
	_, err := s.conn.Write(s.aead.Seal(header, nonce, plain, header))
	return err
}

// Write writes data, and sometimes an update, of which every other one asks for one in
// return.
func (s *keySender) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m := min(len(p)-n, 1<<14)
		if err := s.record(23, p[n:n+m]); err != nil {
			return n, err
		}
		n += m
		if s.records++; s.records%s.every == 0 {
			// crypto/tls takes 16 answers at most without data between them.
			updates := s.records / s.every
			if err := s.update(updates%2 == 0 && updates < 20); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (s *keySender) update(answer bool) error {
	message := []byte{24, 0, 0, 1, 0}
	if answer {
		message[4] = 1
	}
	if err := s.record(22, message); err != nil {
		return err
	}
	s.use(s.expand("traffic upd", 32))
	return nil
}

// CloseWrite writes close_notify.
func (s *keySender) CloseWrite() error { return s.record(21, []byte{1, 0}) }
