package bufferevent_test

import (
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
)

// oracleFilters are the filters of the oracle, by their kinds. Kind 0 is none.
var oracleFilters = [...]bufferevent.Filter{
	1: xor,
	2: blocks,
	3: triple,
	4: swallow,
	5: halve,
	6: byByte,
}

// convert moves n bytes, of which it leaves out all but every step-th, and makes
// copies of the others, xored with mask.
func convert(src, dst *evbuffer.Buffer, n, step, copies int, mask byte) error {
	if n == 0 {
		return bufferevent.ErrNeedMore
	}
	p := make([]byte, n)
	if _, err := src.Remove(p); err != nil {
		return err
	}
	q := make([]byte, 0, n*copies)
	for i := 0; i < n; i += step {
		for range copies {
			q = append(q, p[i]^mask)
		}
	}
	return dst.Add(q)
}

func within(n, limit int) int {
	if limit >= 0 {
		return min(n, limit)
	}
	return n
}

func xor(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	return convert(src, dst, within(src.Len(), limit), 1, 1, 0x55)
}

// blocks passes on blocks of five bytes, or at a flush all.
func blocks(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	n := src.Len()
	if mode == bufferevent.ModeNormal {
		n -= n % 5
	}
	if limit >= 0 && n > limit {
		n = max(5, limit-limit%5)
	}
	return convert(src, dst, n, 1, 1, 0)
}

func triple(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	n := src.Len()
	if limit >= 0 && n*3 > limit {
		n = max(1, limit/3)
	}
	return convert(src, dst, n, 1, 3, 0)
}

func swallow(src, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
	if src.Len() == 0 {
		return bufferevent.ErrNeedMore
	}
	return src.Drain(src.Len())
}

func halve(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	return convert(src, dst, 2*within(src.Len()/2, limit), 2, 1, 0)
}

func byByte(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
	return convert(src, dst, min(1, src.Len()), 1, 1, 0)
}
