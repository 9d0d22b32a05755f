package evtls_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A sender makes TLS 1.3 records as a client does that can do what crypto/tls
// does not offer: ask for new keys (RFC 8446 sections 4.6.3, 5.2 and 7).
type sender struct {
	secret   []byte
	aead     cipher.AEAD
	iv       []byte
	sequence uint64
}

// newSender begins with the secret that a key log has.
func newSender(t testing.TB, log string) *sender {
	t.Helper()
	for line := range strings.Lines(log) {
		if f := strings.Fields(line); f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(f[2])
			ok(t, err)
			s := new(sender)
			s.use(secret)
			return s
		}
	}
	t.Fatal("the key log has no secret")
	return nil
}

// expand is HKDF-Expand-Label of RFC 8446 section 7.1, without a context.
func (s *sender) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	key, err := hkdf.Expand(sha256.New, s.secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return key
}

func (s *sender) use(secret []byte) {
	s.secret, s.sequence = secret, 0
	block, err := aes.NewCipher(s.expand("key", 16))
	if err != nil {
		panic(err)
	}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
	s.iv = s.expand("iv", 12)
}

// record encrypts a record of some type.
func (s *sender) record(kind byte, data []byte) string {
	nonce := bytes.Clone(s.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, s.sequence) {
		nonce[4+i] ^= b
	}
	s.sequence++
	plain := append(bytes.Clone(data), kind)
	header := []byte{23, 3, 3}
	header = binary.BigEndian.AppendUint16(header, uint16(len(plain)+s.aead.Overhead()))
	return string(s.aead.Seal(header, nonce, plain, header))
}

// data is a record with text.
func (s *sender) data(text string) string { return s.record(23, []byte(text)) }

// update is a record that says that new keys come, and asks for such if answer.
func (s *sender) update(answer bool) string {
	message := []byte{24, 0, 0, 1, 0}
	if answer {
		message[4] = 1
	}
	record := s.record(22, message)
	s.use(s.expand("traffic upd", 32))
	return record
}

// newUpdating makes a line to a client that reads until the end, with a sender
// that writes in its stead.
func newUpdating(t testing.TB, base *event.Base, received *bytes.Buffer) (*line, *sender) {
	var log bytes.Buffer
	client := clientTLS(tls.VersionTLS13)
	client.KeyLogWriter = &log
	l := newLine(t, base, evtls.Accepting, &evtls.Config{TLS: serverTLS(tls.VersionTLS13)}, client, func(c *tls.Conn) error {
		if err := c.Handshake(); err != nil {
			return err
		}
		_, err := io.Copy(received, c)
		return err
	})
	l.run()
	l.ours.want(t, connected)
	if state, _ := evtls.ConnectionState(l.ours.b); state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("only AES-128-GCM is written here")
	}
	return l, newSender(t, log.String())
}

// The peer may change its keys and ask for ours to be changed, as often as it
// likes and with records cut at any byte.
func TestKeyUpdate(t *testing.T) {
	base := newBase(t)
	var received bytes.Buffer
	l, s := newUpdating(t, base, &received)
	stream := s.data("one") + s.update(false) + s.data("two") + s.update(true) + s.update(true) + s.data("three")
	for i := range len(stream) {
		l.put([]byte(stream[i : i+1]))
	}
	l.ours.wantData(t, "onetwothree")
	write(t, l.ours.b, "with new keys")
	l.run()
	want(t, "what the peer has got", received.String(), "with new keys")
	l.ours.want(t)
}

// The answer to a key update goes out while crypto/tls is at work, and a filter below
// passes it on at once, and asks for more: what waits to be written has to wait.
func TestKeyUpdateOverAFilterWithOutputWaiting(t *testing.T) {
	base := newBase(t)
	newUpdating(t, base, new(bytes.Buffer)) // or the test is skipped, as another cipher is preferred here
	var received, log bytes.Buffer
	client := clientTLS(tls.VersionTLS13)
	client.KeyLogWriter = &log
	l := newLineOver(t, base, evtls.Accepting, &evtls.Config{TLS: serverTLS(tls.VersionTLS13)}, client, func(c *tls.Conn) error {
		if err := c.Handshake(); err != nil {
			return err
		}
		_, err := io.Copy(&received, c)
		return err
	}, func(b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
		b, err := bufferevent.NewFilter(b, nil, nil, bufferevent.CloseOnFree, nil)
		ok(t, err)
		return b
	})
	l.ours.react = func(bufferevent.Events) { write(t, l.ours.b, "welcome") }
	asked := false
	l.deliver = func(data []byte) {
		if strings.Contains(log.String(), "CLIENT_TRAFFIC_SECRET_0") && !asked { // the last message of the handshake
			asked = true
			data = append(data, newSender(t, log.String()).update(true)...)
		}
		l.put(data)
	}
	l.run()
	l.ours.want(t, connected)
	want(t, "what the peer has got", received.String(), "welcome")
}

// A peer that asks for new keys and does not take the answers has to wait: what
// it makes us hold has a bound.
func TestKeyUpdateFlood(t *testing.T) {
	base := newBase(t)
	var received bytes.Buffer
	l, s := newUpdating(t, base, &received)
	ok(t, l.wire.Disable(event.Read))
	const rounds = 20_000 // with answers of 27 bytes each
	for range rounds / 100 {
		var flood strings.Builder
		for range 100 {
			flood.WriteString(s.update(true))
			flood.WriteString(s.data("x")) // or else crypto/tls has enough soon
		}
		l.put([]byte(flood.String()))
	}
	under := l.ours.b.Underlying()
	if n := under.Output().Len() + under.Input().Len(); n > 400<<10 {
		t.Errorf("%d bytes are held", n)
	}
	if n := len(l.ours.data); n == rounds {
		t.Error("the peer did not have to wait")
	}
	ok(t, l.wire.Enable(event.Read))
	settle(t, base)
	want(t, "bytes read", len(l.ours.data), rounds)
	l.ours.want(t)
}
