package simulation_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// The chat is a program of lines: members of a room say something, and all of its members
// are told, those that were away as soon as they are back.
//
//	hello MEMBER ROOM SEEN         a member is there, and has seen the messages up to SEEN
//	say NUMBER TEXT                it says something, each time with the next number
//	tell SEEN MEMBER NUMBER TEXT   what a member has said is the message SEEN of the room

// chatIdle is how long either side waits for the other, which has something to
// say at least once a minute, chatRetry how long a client is without a connection,
// and chatHistory how many messages a room keeps.
const (
	chatIdle    = 3 * time.Minute
	chatRetry   = 2 * time.Second
	chatHistory = 1000
)

// A chatServer has rooms.
type chatServer struct {
	base     *event.Base
	listener *listener.Listener
	members  map[int]*chatMember
	rooms    map[int]*chatRoom
	line     []byte // what is written at present
}

type chatRoom struct {
	members []*chatMember
	said    int      // how many messages there were
	history [][]byte // the last of them
}

type chatMember struct {
	number int
	room   *chatRoom
	said   int                      // the number of the last message
	stream *bufferevent.Bufferevent // nil while the member is away
}

func newChatServer(base *event.Base, at netip.AddrPort) (*chatServer, error) {
	s := &chatServer{base: base, members: make(map[int]*chatMember), rooms: make(map[int]*chatRoom)}
	l, err := listener.NewBind(base, at, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, s.accept)
	s.listener = l
	return s, err
}

func (s *chatServer) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := bufferevent.NewSocket(s.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		_ = evutil.CloseSocket(fd)
		return
	}
	var m *chatMember // once it has said hello
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		m = s.read(b, m)
	}, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) {
		if m != nil && m.stream == b {
			m.stream = nil
		}
		b.Free()
	})
	_ = b.SetTimeouts(chatIdle, chatIdle)
	_ = b.Enable(event.Read)
}

// read takes the lines of a connection, and returns its member.
func (s *chatServer) read(b *bufferevent.Bufferevent, m *chatMember) *chatMember {
	for {
		line, err := b.Input().AppendLine(s.line[:0], evbuffer.EOLLF)
		if err != nil {
			return m
		}
		s.line = line
		verb, rest, _ := bytes.Cut(line, []byte{' '})
		switch {
		case m == nil && string(verb) == "hello":
			m = s.hello(b, rest)
		case m != nil && string(verb) == "say":
			s.say(m, rest)
		}
	}
}

// hello takes a member in, and tells it what it has missed.
func (s *chatServer) hello(b *bufferevent.Bufferevent, line []byte) *chatMember {
	number, line := chatNumber(line)
	room, line := chatNumber(line)
	seen, _ := chatNumber(line)
	m := s.members[number]
	if m == nil {
		r := s.rooms[room]
		if r == nil {
			r = new(chatRoom)
			s.rooms[room] = r
		}
		m = &chatMember{number: number, room: r}
		s.members[number] = m
		r.members = append(r.members, m)
	}
	if m.stream != nil {
		m.stream.Free()
	}
	m.stream = b
	missed := min(m.room.said-seen, len(m.room.history))
	for _, line := range m.room.history[len(m.room.history)-missed:] {
		_, _ = b.Write(line)
	}
	return m
}

// say tells a room what a member says.
func (s *chatServer) say(m *chatMember, line []byte) {
	number, _ := chatNumber(line)
	if number != m.said+1 {
		return // it has come before
	}
	m.said = number
	r := m.room
	r.said++
	message := fmt.Appendf(nil, "tell %d %d %s\n", r.said, m.number, line)
	if len(r.history) == chatHistory {
		r.history = r.history[1:]
	}
	r.history = append(r.history, message)
	for _, to := range r.members {
		if to.stream != nil {
			_, _ = to.stream.Write(message)
		}
	}
}

func (s *chatServer) close() {
	s.listener.Free()
	for _, m := range s.members { // in any order: the clients are gone
		if m.stream != nil {
			m.stream.Free()
		}
	}
}

// A chatClient is a member of a room.
type chatClient struct {
	base         *event.Base
	server       netip.AddrPort
	member, room int
	heard        func(from, number int, text []byte) // what a member has said

	stream  *bufferevent.Bufferevent // or nil
	retry   *event.Event
	seen    int      // the last message of the room
	said    int      // the last own one
	unheard [][]byte // its own that have not come back
	lost    int      // connections
	line    []byte   // that is read at present
}

func (c *chatClient) start() {
	c.retry = c.base.NewTimer(func(*event.Event, event.What) { c.connect() })
	c.connect()
}

func (c *chatClient) connect() {
	b, err := bufferevent.NewSocket(c.base, -1, bufferevent.CloseOnFree)
	if err != nil {
		_ = c.retry.AddTimeout(chatRetry)
		return
	}
	c.stream = b
	b.SetCallbacks(c.read, nil, c.event)
	_ = b.SetTimeouts(chatIdle, chatIdle)
	_ = b.Enable(event.Read)
	_, _ = fmt.Fprintf(b, "hello %d %d %d\n", c.member, c.room, c.seen)
	for _, line := range c.unheard {
		_, _ = b.Write(line)
	}
	if err := b.Connect(c.server); err != nil {
		c.failed()
	}
}

func (c *chatClient) event(_ *bufferevent.Bufferevent, what bufferevent.Events) {
	if what&bufferevent.EventConnected == 0 {
		c.failed()
	}
}

func (c *chatClient) failed() {
	c.lost++
	c.stream.Free()
	c.stream = nil
	_ = c.retry.AddTimeout(chatRetry)
}

// say says something, as soon as there is a connection.
func (c *chatClient) say(text []byte) {
	c.said++
	line := fmt.Appendf(nil, "say %d %s\n", c.said, text)
	c.unheard = append(c.unheard, line)
	if c.stream != nil {
		_, _ = c.stream.Write(line)
	}
}

func (c *chatClient) read(b *bufferevent.Bufferevent) {
	for {
		line, err := b.Input().AppendLine(c.line[:0], evbuffer.EOLLF)
		if err != nil {
			return
		}
		c.line = line
		verb, rest, _ := bytes.Cut(line, []byte{' '})
		if string(verb) == "tell" {
			c.tell(rest)
		}
	}
}

// tell takes what a member of the room has said.
func (c *chatClient) tell(line []byte) {
	seen, line := chatNumber(line)
	if seen <= c.seen {
		return
	}
	c.seen = seen
	from, line := chatNumber(line)
	number, text := chatNumber(line)
	if from == c.member {
		c.unheard = c.unheard[1:]
	}
	c.heard(from, number, text)
}

func (c *chatClient) close() {
	if c.stream != nil {
		c.stream.Free()
	}
	c.retry.Free()
}

// chatNumber takes a number off a line.
func chatNumber(line []byte) (int, []byte) {
	word, rest, _ := bytes.Cut(line, []byte{' '})
	n, _ := strconv.Atoi(string(word))
	return n, rest
}
