package evutil_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// A fakeDNS is a name server that lives inside the test. Names are fully
// qualified, with the dot at the end, so that no search domain matters.
type fakeDNS struct {
	addrs   map[string][]string // the addresses of a name
	aliases map[string]string   // the canonical name of a name
	broken  map[string]bool     // names that the server fails at
	silent  map[string]bool     // names that it does not answer, but
	asked   chan string         // reports here, and then
	hangUp  chan struct{}       // hangs up once this is closed
}

// DNS record types and response codes.
const (
	typeA, typeCNAME, typeAAAA = 1, 5, 28
	codeServFail, codeNXDomain = 2, 3
)

// resolver returns a Resolver that asks the server and nobody else. As a
// cancelled lookup goes on in the background for a while, the server refuses
// connections when the test is over.
func (d *fakeDNS) resolver(t *testing.T) *net.Resolver {
	var (
		mu      sync.Mutex
		stopped bool
		serving sync.WaitGroup
	)
	t.Cleanup(func() {
		mu.Lock()
		stopped = true
		mu.Unlock()
		serving.Wait()
	})
	return &net.Resolver{
		PreferGo: true,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if stopped {
				return nil, net.ErrClosed
			}
			client, server := net.Pipe()
			serving.Go(func() { d.serve(server) })
			return client, nil
		},
	}
}

// serve answers queries, framed as over TCP, until the client hangs up.
func (d *fakeDNS) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		name, question := parseQuestion(query)
		if d.silent[name] {
			d.asked <- name
			<-d.hangUp
			return
		}
		answer := d.answer(query[:2], name, question)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// parseQuestion returns the name asked for, and the whole question section.
func parseQuestion(query []byte) (name string, question []byte) {
	const header = 12
	end := header
	for query[end] != 0 {
		length := int(query[end])
		name += string(query[end+1:end+1+length]) + "."
		end += 1 + length
	}
	return strings.ToLower(name), query[header : end+5]
}

func (d *fakeDNS) answer(id []byte, name string, question []byte) []byte {
	recordType := int(binary.BigEndian.Uint16(question[len(question)-4:]))
	canonical := name
	var records [][]byte
	if alias, ok := d.aliases[name]; ok {
		canonical = alias
		records = append(records, record(name, typeCNAME, encodeName(alias)))
	}
	for _, text := range d.addrs[canonical] {
		addr := netip.MustParseAddr(text)
		if addr.Is4() == (recordType == typeA) {
			records = append(records, record(canonical, recordType, addr.AsSlice()))
		}
	}
	code := 0
	if d.broken[name] {
		code = codeServFail
	} else if _, ok := d.addrs[canonical]; !ok {
		code = codeNXDomain
	}

	// A response, authoritative, recursion wanted and available; one question.
	answer := append(id[:2:2], 0x85, 0x80|byte(code), 0, 1, 0, byte(len(records)), 0, 0, 0, 0)
	answer = append(answer, question...)
	for _, r := range records {
		answer = append(answer, r...)
	}
	return answer
}

func record(name string, recordType int, data []byte) []byte {
	r := encodeName(name)
	r = binary.BigEndian.AppendUint16(r, uint16(recordType))
	r = append(r, 0, 1, 0, 0, 0, 60) // class IN, valid for a minute
	r = binary.BigEndian.AppendUint16(r, uint16(len(data)))
	return append(r, data...)
}

func encodeName(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}
