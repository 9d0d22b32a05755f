package evdns

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// cache caches answers for their TTL. When there are too many, or they take too much
// memory, it evicts the least recently used one. Times are those of Base.now. The zero
// value caches nothing.
//
// It has three kinds of entries: answers to questions, messages that answer a Query, and
// the results that CacheWrite has written. That a name does not exist is cached for all
// types.
type cache struct {
	limit   int
	size    int // bytes of all texts
	entries map[string]*entry
	lru     entry // head of a ring, whose first entry is the most recently used
}

// A cached is a cached answer, or its message in wire format, and its error: nil,
// ErrNotExist or ErrNoData. The TTLs in message are those of age ago, when it was stored.
type cached struct {
	answer  Answer
	message []byte
	age     time.Duration
	err     error
}

// An entry of the cache. Its data is one string, to keep it small.
type entry struct {
	next, prev *entry
	text       string // the key, the canonical name, the data
	stored     time.Duration
	expires    time.Duration
	keyLen     uint16
	canonLen   uint16
	err        uint8 // an Err, or 0
	answerType AnswerType
}

type entryKind byte

const (
	kindAnswer entryKind = iota
	kindMessage
	kindWritten

	// kindMask is the mask of these. The other bits of a kind are those of the query
	// that a message answers.
	kindMask entryKind = 1<<2 - 1
	kindDO   entryKind = 1 << 2
	kindAD   entryKind = 1 << 3
	kindCD   entryKind = 1 << 4
)

// anyType stands for all types of questions.
const anyType = dns.TypeNone

// A cacheKey is a name in lower case without a dot at the end, a kind and a type.
type cacheKey [maxNameLength + 3]byte

// set sets the key, and returns the part of it that is used, or nil if name is too
// long.
func (k *cacheKey) set(kind entryKind, name string, qtype uint16) []byte {
	name = dnswire.TrimDot(name)
	if len(name) > maxNameLength {
		return nil
	}
	n := copy(k[:], name)
	for i, c := range k[:n] {
		if c >= 'A' && c <= 'Z' {
			k[i] = c | 0x20
		}
	}
	return rekey(k[:n+3], kind, qtype)
}

// rekey makes key that of another kind and type of the same name.
func rekey(key []byte, kind entryKind, qtype uint16) []byte {
	end := key[len(key)-3:]
	end[0] = byte(kind)
	binary.BigEndian.PutUint16(end[1:], qtype)
	return key
}

// setLimit sets the maximum number of entries.
func (c *cache) setLimit(limit int) {
	c.limit = limit
	c.makeRoom(0, 0)
}

// makeRoom evicts entries until there is room for n more, of size bytes.
func (c *cache) makeRoom(n, size int) {
	room := max(c.limit*entryRoom, minRoom)
	for len(c.entries) > 0 && (len(c.entries)+n > c.limit || c.size+size > room) {
		c.remove(c.lru.prev)
	}
}

// get returns the cached answer to a question, with its remaining TTL.
func (c *cache) get(name string, qtype uint16, now time.Duration) (cached, bool) {
	return c.lookup(kindAnswer, name, qtype, now)
}

// put caches the answer to a question for v.answer.TTL.
func (c *cache) put(name string, qtype uint16, v cached, now time.Duration) {
	c.store(kindAnswer, name, qtype, v, now)
}

// getMessage returns the cached message that answers a Query, or just the error if only
// the absence of the name is cached.
func (c *cache) getMessage(kind entryKind, name string, qtype uint16, now time.Duration) (cached, bool) {
	return c.lookup(kind, name, qtype, now)
}

// putMessage caches the message that answers a Query.
func (c *cache) putMessage(kind entryKind, name string, qtype uint16, v cached, now time.Duration) {
	c.store(kind, name, qtype, v, now)
}

func (c *cache) lookup(kind entryKind, name string, qtype uint16, now time.Duration) (cached, bool) {
	if len(c.entries) == 0 {
		return cached{}, false
	}
	var buf cacheKey
	key := buf.set(kind, name, qtype)
	if key == nil {
		return cached{}, false
	}
	e := c.find(key, now)
	if e == nil && kind != kindWritten {
		e = c.find(rekey(key, kindAnswer, anyType), now)
	}
	if e == nil {
		return cached{}, false
	}
	return e.cached(now), true
}

// find returns the entry of a key, and makes it the most recently used one.
func (c *cache) find(key []byte, now time.Duration) *entry {
	e := c.entries[string(key)]
	if e == nil {
		return nil
	}
	if e.expires <= now {
		c.remove(e)
		return nil
	}
	e.unlink()
	c.pushFront(e)
	return e
}

func (c *cache) store(kind entryKind, name string, qtype uint16, v cached, now time.Duration) {
	ttl := min(v.answer.TTL, dnswire.MaxTTL)
	code, _ := errors.AsType[Err](v.err)
	if v.err != nil {
		ttl = min(ttl, maxNegativeTTL)
	}
	var buf cacheKey
	if code == ErrNotExist && kind == kindAnswer {
		qtype = anyType
	}
	key := buf.set(kind, name, qtype)
	if key == nil {
		return
	}
	c.remove(c.entries[string(key)])
	if v.err == nil && kind != kindWritten { // that the name does not exist is no longer true
		c.remove(c.entries[string(rekey(key, kindAnswer, anyType))])
		key = rekey(key, kind, qtype)
	}
	if ttl <= 0 || c.limit <= 0 {
		return
	}
	text := make([]byte, 0, len(key)+len(v.answer.CanonName)+dataLen(v))
	text = append(text, key...)
	text = append(text, v.answer.CanonName...)
	text = appendData(text, v)
	c.insert(&entry{
		text:       string(text),
		stored:     now,
		expires:    now + ttl,
		keyLen:     uint16(len(key)),
		canonLen:   uint16(len(v.answer.CanonName)),
		err:        uint8(code),
		answerType: v.answer.Type,
	})
}

func (c *cache) insert(e *entry) {
	if c.entries == nil {
		c.entries = map[string]*entry{}
		c.lru.next, c.lru.prev = &c.lru, &c.lru
	}
	c.makeRoom(1, len(e.text))
	c.entries[e.key()] = e
	c.size += len(e.text)
	c.pushFront(e)
}

// remove removes an entry, if e is not nil.
func (c *cache) remove(e *entry) {
	if e == nil {
		return
	}
	delete(c.entries, e.key())
	c.size -= len(e.text)
	e.unlink()
}

func (c *cache) pushFront(e *entry) {
	e.prev, e.next = &c.lru, c.lru.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }

func (e *entry) key() string { return e.text[:e.keyLen] }

// cached returns the data of the entry.
func (e *entry) cached(now time.Duration) cached {
	v := cached{age: now - e.stored}
	if e.err != 0 {
		v.err = Err(e.err)
	}
	v.answer.Type = e.answerType
	v.answer.TTL = e.expires - now
	v.answer.CanonName = e.text[e.keyLen : e.keyLen+e.canonLen]
	data := e.text[e.keyLen+e.canonLen:]
	switch {
	case entryKind(e.text[e.keyLen-3])&kindMask == kindMessage:
		v.message = []byte(data)
	case data == "":
	case e.answerType == TypeA || e.answerType == TypeAAAA:
		v.answer.Addrs = unpackAddrs(data, e.answerType)
	default:
		v.answer.Names = strings.Split(data, "\x00")
	}
	return v
}

// dataLen and appendData pack the data of an entry: addresses, which are all of one
// family, names, or a message.
func dataLen(v cached) int {
	n := len(v.message)
	for _, addr := range v.answer.Addrs {
		n += addr.BitLen() / 8
	}
	for _, name := range v.answer.Names {
		n += len(name) + 1
	}
	return n
}

func appendData(p []byte, v cached) []byte {
	p = append(p, v.message...)
	for _, addr := range v.answer.Addrs {
		p, _ = addr.AppendBinary(p) // without a zone it does not fail
	}
	for i, name := range v.answer.Names {
		if i > 0 {
			p = append(p, 0)
		}
		p = append(p, name...)
	}
	return p
}

func unpackAddrs(data string, t AnswerType) []netip.Addr {
	size := 16
	if t == TypeA {
		size = 4
	}
	addrs := make([]netip.Addr, 0, len(data)/size)
	for ; len(data) >= size; data = data[size:] {
		addr, _ := netip.AddrFromSlice([]byte(data[:size]))
		addrs = append(addrs, addr)
	}
	return addrs
}
