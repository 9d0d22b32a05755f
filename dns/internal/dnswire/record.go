package dnswire

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// RecordEnd returns where a record ends whose name ends at fixed. There its type,
// class, TTL and the length of its data begin.
func RecordEnd(msg []byte, fixed int) (end int, ok bool) {
	const fields = 10
	if fixed+fields > len(msg) {
		return 0, false
	}
	end = fixed + fields + int(binary.BigEndian.Uint16(msg[fixed+8:]))
	return end, end <= len(msg)
}

// SkipRecords returns where n records end that begin at off. Their names must be
// well-formed, pointers included.
func SkipRecords(msg []byte, off, n int) (end int, ok bool) {
	for range n {
		_, fixed, err := dns.UnpackDomainName(msg, off)
		if err != nil {
			return 0, false
		}
		if off, ok = RecordEnd(msg, fixed); !ok {
			return 0, false
		}
	}
	return off, true
}

// Truncate shortens an answer, in place, to its questions and, if that is its last
// record, its OPT record, and sets TC. The result is false if the answer holds
// nothing else, or is malformed.
func Truncate(answer []byte) ([]byte, bool) {
	h, ok := ReadHeader(answer)
	if !ok {
		return nil, false
	}
	end := HeaderLen // of the questions
	for range h.Questions {
		if end, ok = SkipName(answer, end); !ok {
			return nil, false
		}
		end += 4
	}
	if end > len(answer) {
		return nil, false
	}
	last, fixed := end, end // where the last record begins, and where its name ends
	for next, n := end, h.Answers+h.Authority+h.Extra; n > 0; n-- {
		last = next
		if fixed, ok = SkipName(answer, last); !ok {
			return nil, false
		}
		if next, ok = RecordEnd(answer, fixed); !ok {
			return nil, false
		}
	}
	isOPT := h.Extra > 0 && binary.BigEndian.Uint16(answer[fixed:]) == dns.TypeOPT
	if last == end && (isOPT || end == len(answer)) {
		return nil, false
	}
	clear(answer[6:HeaderLen])
	answer[2] |= BitTC >> 8
	if isOPT {
		answer[HeaderLen-1] = 1
		end += copy(answer[end:], answer[last:])
	}
	return answer[:end], true
}
