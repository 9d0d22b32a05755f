package datagram

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A Message is a datagram that has arrived, or is to be sent.
type Message struct {
	// Data is what is in it. After Recv it lies in the memory of the Batch.
	Data []byte
	// Addr is the sender, or the receiver. A connected socket sends to its
	// peer if Addr is zero.
	Addr netip.AddrPort
	// Local is to which address of this host the message was sent, if the
	// socket tells (TellLocal) and it is one to send from, which multicast and
	// broadcast addresses are not. If it is not zero, Send sends from it. With Addr kept,
	// it makes an answer of a message that has arrived.
	Local netip.Addr
	// Truncated says that Data is only the beginning, because there was no room
	// for more in the Batch.
	Truncated bool
	// Err is why Send could not send the message, or nil if it could.
	Err error
}

// A Batch has the memory to receive and to send many messages at a time, from
// and to any sockets. It must not be used by several goroutines at a time.
type Batch struct {
	limit, size int
	segments    bool

	// What is for receiving and what is for sending is made when it is needed.
	in       *sysio.Messages
	messages []Message
	room     []byte // limit times size bytes
	used     int    // of messages, by the last Recv
	out      *sysio.Messages
}

// NewBatch makes a batch for up to limit messages, at least one, of up to size
// bytes each. Longer messages arrive truncated. For sending, size is of no
// interest, and limit is how many messages go into one system call. The memory
// is taken by the first Recv and the first Send. A zero Batch is one for a message
// at a time, without room to receive any bytes.
func NewBatch(limit, size int) *Batch {
	return &Batch{limit: max(limit, 1), size: max(size, 0)}
}

// AllowSegments lets Send give neighbours that have the same length and go to the
// same peer to the system as one long message that is cut up later, which costs a
// fraction. The peer gets the messages that it would have got otherwise. All
// sockets of the batch must be UDP's. Only Linux can do that (UDP_SEGMENT);
// elsewhere, and where the way to the peer does not allow it, nothing changes.
func (b *Batch) AllowSegments() {
	b.segments = true
	if b.out != nil {
		b.out.AllowSegments()
	}
}

// Limit returns how many messages Recv receives at most.
func (b *Batch) Limit() int { return b.limit }

// Recv receives what has arrived at a datagram socket, up to the limit, without
// waiting. No messages and no error means that there is nothing; so do fewer
// messages than the limit, for the moment. The messages are good until the next
// Recv, with or without an error; until then they are the caller's to change.
func (b *Batch) Recv(fd int) ([]Message, error) {
	if b.in == nil {
		b.limit = max(b.limit, 1) // of a zero Batch
		b.makeRoom()
	}
	clear(b.messages[:b.used])
	n, err := sysio.RecvMessages(fd, b.in)
	b.used = n
	for i := range n {
		r := b.in.Received(i)
		m := &b.messages[i]
		m.Data = b.roomOf(i)[:r.N]
		m.Addr, m.Local, m.Truncated = r.Peer, r.Local, r.Truncated
	}
	if err == sysio.ErrAgain {
		err = nil
	}
	return b.messages[:n:n], fdError("receive", fd, err)
}

func (b *Batch) makeRoom() {
	b.in = sysio.NewMessages(b.limit)
	b.messages = make([]Message, b.limit)
	b.room = make([]byte, b.limit*b.size)
	for i := range b.limit {
		b.in.SetRoom(i, b.roomOf(i))
	}
}

// roomOf returns where message i goes.
func (b *Batch) roomOf(i int) []byte {
	return b.room[i*b.size : (i+1)*b.size : (i+1)*b.size]
}

// Send sends messages, in their order, without waiting. It returns how many are
// done with, beginning with the first; the others have to wait until the socket
// becomes writable. A message that cannot be sent does not stop the others: it
// is done with, and its Err says why. The error of Send is the first of these.
func (b *Batch) Send(fd int, messages []Message) (done int, err error) {
	if b.out == nil {
		b.limit = max(b.limit, 1) // of a zero Batch
		b.out = sysio.NewMessages(b.limit)
		if b.segments {
			b.out.AllowSegments()
		}
	}
	for done < len(messages) {
		rest := messages[done:]
		n, sendErr := b.sendSome(fd, rest)
		if sendErr == sysio.ErrAgain {
			break
		}
		if sendErr != nil {
			n = 1
			rest[0].Err = fdError("send", fd, sendErr)
			if err == nil {
				err = rest[0].Err
			}
		}
		done += n
	}
	return done, err
}

// sendSome sends some of the messages, and returns how many. If there is an
// error, it is about the first one.
func (b *Batch) sendSome(fd int, messages []Message) (int, error) {
	count := min(len(messages), b.limit)
	for i := range count {
		m := &messages[i]
		m.Err = nil
		err := b.out.Set(i, m.Data, m.Addr, m.Local)
		if err != nil && i == 0 {
			return 0, err
		}
		if err != nil { // it will be the first one of the next call
			count = i
			break
		}
	}
	return sysio.SendMessages(fd, b.out, count)
}
