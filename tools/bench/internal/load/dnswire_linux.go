package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The parts of DNS messages (RFC 1035, section 4) that the loads need. They write
// and read them by hand, as the load must not be what is measured.
const (
	dnsHeaderLen = 12
	dnsQueryMax  = 512 // bytes

	dnsFlagsQuery  = 0x0100 // recursion desired
	dnsFlagsAnswer = 0x8180 // and available
	dnsIsResponse  = 0x8000
	dnsRcodeMask   = 0x000f

	dnsTypeA, dnsClassIN = 1, 1
)

// dnsAnswerA is a resource record: the name of the question, by reference, has
// the address 192.0.2.1 for 300 s.
var dnsAnswerA = []byte{0xc0, dnsHeaderLen, 0, dnsTypeA, 0, dnsClassIN, 0, 0, 1, 0x2c, 0, 4, 192, 0, 2, 1}

var errNoQuery = errors.New("not a DNS query with one question")

// benchNames are so many distinct names.
func benchNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.bench.example", i)
	}
	return names
}

// appendQuery appends a query for the address of a name, with an id of zero.
func appendQuery(p []byte, name string) []byte {
	p = append(p, 0, 0)
	p = binary.BigEndian.AppendUint16(p, dnsFlagsQuery)
	p = append(p, 0, 1, 0, 0, 0, 0, 0, 0)
	for label := range labels(name) {
		p = append(p, byte(len(label)))
		p = append(p, label...)
	}
	return append(p, 0, 0, dnsTypeA, 0, dnsClassIN)
}

// labels yields the parts of a name.
func labels(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i <= len(name); i++ {
			if i < len(name) && name[i] != '.' {
				continue
			}
			if !yield(name[start:i]) {
				return
			}
			start = i + 1
		}
	}
}

// answer turns the query at the start of a buffer, of n bytes, into the response:
// an address if that is what it asks for, otherwise none. It returns the length.
func answer(p []byte, n int) (int, error) {
	if n < dnsHeaderLen || p[2]&0x80 != 0 || binary.BigEndian.Uint16(p[4:]) != 1 {
		return 0, errNoQuery
	}
	end := dnsHeaderLen
	for end < n && p[end] != 0 {
		end += 1 + int(p[end])
	}
	end += 5 // the root's label, type, class
	if end > n || end+len(dnsAnswerA) > len(p) {
		return 0, errNoQuery
	}
	binary.BigEndian.PutUint16(p[2:], dnsFlagsAnswer)
	clear(p[6:dnsHeaderLen]) // nothing but the question
	if binary.BigEndian.Uint16(p[end-4:]) != dnsTypeA {
		return end, nil
	}
	p[7] = 1
	return end + copy(p[end:], dnsAnswerA), nil
}

// checkAnswer checks that a message is the response to a query, with an address.
func checkAnswer(response, query []byte) error {
	const counts = 4
	switch {
	case len(response) < len(query)+len(dnsAnswerA):
		return fmt.Errorf("a response of %d bytes", len(response))
	case binary.BigEndian.Uint16(response[2:])&(dnsIsResponse|dnsRcodeMask) != dnsIsResponse:
		return fmt.Errorf("a response with flags %#x", response[2:4])
	case response[counts+1] != 1 || response[counts+3] != 1:
		return fmt.Errorf("a response with %d questions and %d answers", response[counts+1], response[counts+3])
	case string(response[dnsHeaderLen:len(query)]) != string(query[dnsHeaderLen:]):
		return errors.New("a response to another question")
	}
	return nil
}
