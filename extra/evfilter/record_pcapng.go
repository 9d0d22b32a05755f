package evfilter

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"time"
)

// A PcapngRecorder writes a capture that Wireshark and tshark open: what passes each stream
// looks as if it had been captured from a TCP connection between its addresses, without
// losses. Streams without addresses get some of 127.0.0.1.
type PcapngRecorder struct {
	output
	flows map[*Stream]*flow
}

// A flow is what the packets of a stream have in common.
type flow struct {
	ends [2]netip.AddrPort // by the direction that has them as its source
	next [2]uint32         // the sequence numbers
}

// Numbers of the format (draft-ietf-opsawg-pcapng), which is written in the order of bytes
// that its first block tells.
const (
	pcapngSection   = 0x0a0d0d0a
	pcapngInterface = 1
	pcapngPacket    = 6
	pcapngMagic     = 0x1a2b3c4d
	pcapngRawIP     = 101 // LINKTYPE_RAW
	pcapngTime      = 9   // if_tsresol
	pcapngNano      = 9   // the times are in units of 10^-9 seconds

	// mostPayload is how much of the data a packet has, so that it is one of IP.
	mostPayload = 32 << 10
)

// NewPcapngRecorder makes a recorder that writes to w, from one goroutine at a time, and begins
// with the header of a file.
func NewPcapngRecorder(w io.Writer) *PcapngRecorder {
	r := &PcapngRecorder{output{w: w}, make(map[*Stream]*flow)}
	head := le32(nil, pcapngMagic)
	head = append(head, 1, 0, 0, 0)                           // version 1.0
	head = binary.LittleEndian.AppendUint64(head, ^uint64(0)) // the length is not known
	r.block(pcapngSection, head)
	link := []byte{pcapngRawIP, 0, 0, 0, 0, 0, 0, 0}
	link = append(link, pcapngTime, 0, 1, 0, pcapngNano, 0, 0, 0, 0, 0, 0, 0)
	r.block(pcapngInterface, link)
	return r
}

func le32(p []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(p, v) }

// block writes a block.
func (r *PcapngRecorder) block(kind uint32, body []byte) {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	p := le32(le32(make([]byte, 0, size), kind), size)
	r.write(le32(append(p, body...), size))
}

// Record implements Recorder.
func (r *PcapngRecorder) Record(s *Stream, at time.Time, d Direction, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.flow(s, at)
	for len(p) > 0 {
		n := min(len(p), mostPayload)
		r.packet(f, at, d, tcpPush|tcpAck, p[:n])
		p = p[n:]
	}
}

// End implements Recorder.
func (r *PcapngRecorder) End(s *Stream, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.flows[s]
	if !ok {
		return
	}
	r.packet(f, at, Out, tcpFin|tcpAck, nil)
	r.packet(f, at, In, tcpFin|tcpAck, nil)
	delete(r.flows, s)
}

// flow returns the flow of a stream, which begins with the packets of a connection.
func (r *PcapngRecorder) flow(s *Stream, at time.Time) *flow {
	f := r.flows[s]
	if f == nil {
		f = newFlow(s)
		r.flows[s] = f
		r.packet(f, at, Out, tcpSyn, nil)
		r.packet(f, at, In, tcpSyn|tcpAck, nil)
		r.packet(f, at, Out, tcpAck, nil)
	}
	return f
}

func newFlow(s *Stream) *flow {
	f := new(flow)
	local, ok := s.Local.(*net.TCPAddr)
	remote, ok2 := s.Remote.(*net.TCPAddr)
	if ok && ok2 {
		f.ends[Out], f.ends[In] = plain(local.AddrPort()), plain(remote.AddrPort())
	}
	if !f.ends[Out].IsValid() || !f.ends[In].IsValid() || f.ends[Out].Addr().Is4() != f.ends[In].Addr().Is4() {
		home := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		f.ends[Out] = netip.AddrPortFrom(home, uint16(s.Number%60000)+1024)
		f.ends[In] = netip.AddrPortFrom(home, 1)
	}
	return f
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Flags of TCP.
const (
	tcpFin  = 1
	tcpSyn  = 2
	tcpPush = 8
	tcpAck  = 16

	protocolTCP = 6
)

// packet writes a packet.
func (r *PcapngRecorder) packet(f *flow, at time.Time, d Direction, flags byte, data []byte) {
	p := f.datagram(d, flags, data)
	stamp := uint64(at.UnixNano())
	body := le32(make([]byte, 0, len(p)+20), 0) // the interface
	body = le32(le32(body, uint32(stamp>>32)), uint32(stamp))
	body = le32(le32(body, uint32(len(p))), uint32(len(p)))
	r.block(pcapngPacket, append(body, p...))
}

// datagram returns a packet of IP, and counts what is in it.
func (f *flow) datagram(d Direction, flags byte, data []byte) []byte {
	from, to := f.ends[d], f.ends[1-d]
	ack := f.next[1-d]
	if flags&tcpAck == 0 {
		ack = 0
	}
	be := binary.BigEndian
	segment := be.AppendUint16(be.AppendUint16(nil, from.Port()), to.Port())
	segment = be.AppendUint32(be.AppendUint32(segment, f.next[d]), ack)
	segment = append(segment, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	segment = append(segment, data...)
	f.next[d] += uint32(len(data))
	if flags&(tcpSyn|tcpFin) != 0 {
		f.next[d]++
	}
	addrs := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
	be.PutUint16(segment[16:], sum(addrs, be.AppendUint32(be.AppendUint32(nil, uint32(len(segment))), protocolTCP), segment))
	if !from.Addr().Is4() {
		head := be.AppendUint16([]byte{6 << 4, 0, 0, 0}, uint16(len(segment)))
		return append(append(append(head, protocolTCP, 64), addrs...), segment...)
	}
	head := be.AppendUint16([]byte{4<<4 | 5, 0}, uint16(20+len(segment)))
	head = append(head, 0, 0, 0, 0, 64, protocolTCP, 0, 0)
	head = append(head, addrs...)
	be.PutUint16(head[10:], sum(head))
	return append(head, segment...)
}

// sum is the checksum of IP and TCP (RFC 1071). All parts but the last one have an even
// length.
func sum(parts ...[]byte) uint16 {
	var n uint32
	for _, p := range parts {
		for ; len(p) >= 2; p = p[2:] {
			n += uint32(p[0])<<8 | uint32(p[1])
		}
		if len(p) == 1 {
			n += uint32(p[0]) << 8
		}
	}
	for n > 0xffff {
		n = n>>16 + n&0xffff
	}
	return ^uint16(n)
}
