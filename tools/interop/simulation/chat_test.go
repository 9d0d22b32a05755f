package simulation_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// A chatRun is how much of a chat there is.
type chatRun struct {
	clients, room int // of which so many share a room
	every         time.Duration
	length        time.Duration
}

// A chatModel knows what every member must hear: all that those of its room say,
// everything once, and in the order in which it was said.
type chatModel struct {
	world   *evtest.World
	run     chatRun
	clients []*chatClient
	heard   [][]int // by the hearer, then by the place of the speaker in its room
	unheard int     // what was said, and is still to be heard by somebody
	text    []byte  // that is compared at present
}

// chatText is what a member says with a number.
func chatText(member, number int) []byte {
	return appendChatText(nil, member, number)
}

func appendChatText(p []byte, member, number int) []byte {
	p = strconv.AppendInt(p, int64(member)*1000003+int64(number), 10)
	return append(p, chatPadding[len(p):]...)
}

// chatPadding brings a line of the chat to 100 bytes.
var chatPadding = strings.Repeat("-", 80)

func (m *chatModel) say(c *chatClient) {
	c.say(chatText(c.member, c.said+1))
	m.unheard += m.run.room
}

// hear checks what a member has heard.
func (m *chatModel) hear(c *chatClient, from, number int, text []byte) {
	m.unheard--
	m.text = appendChatText(m.text[:0], from, number)
	last := &m.heard[c.member][from%m.run.room]
	switch {
	case from/m.run.room != c.room:
		m.world.Failf("member %d has heard %d of another room", c.member, from)
	case number != *last+1:
		m.world.Failf("member %d has heard message %d of %d after %d", c.member, number, from, *last)
	case !bytes.Equal(text, m.text):
		m.world.Failf("member %d has heard %q", c.member, text)
	}
	*last = number
}

// simulateChat runs a server, and clients that each say something every minute or so.
func simulateChat(w *evtest.World, run chatRun) (lost int) {
	m := &chatModel{world: w, run: run}
	faults := w.Faults()
	w.SetFaults(evtest.Faults{})
	server := w.Host("server")
	var s *chatServer
	var err error
	server.Do(func() { s, err = newChatServer(server.Base(), server.AddrPort(7)) })
	if err != nil {
		w.T().Fatal(err)
	}
	w.SetFaults(faults)

	hosts := make([]*evtest.Host, run.clients)
	timers := make([]*event.Event, run.clients)
	for i := range hosts {
		h := w.Host(fmt.Sprintf("client%d", i))
		c := &chatClient{base: h.Base(), server: server.AddrPort(7), member: i, room: i / run.room}
		c.heard = func(from, number int, text []byte) { m.hear(c, from, number, text) }
		hosts[i] = h
		m.clients = append(m.clients, c)
		m.heard = append(m.heard, make([]int, run.room))
		first := time.Duration(w.Rand().Int64N(int64(run.every)))
		h.Post(func() {
			c.start()
			timers[i] = h.Base().NewTimer(func(ev *event.Event, _ event.What) {
				_ = ev.AddTimeout(run.every)
				m.say(c)
			})
			_ = timers[i].AddTimeout(first)
		})
	}
	w.Run(run.length)
	for i, h := range hosts {
		h.Post(func() { timers[i].Free() })
	}
	w.SetFaults(evtest.Faults{})
	w.Await("everybody to hear everything", func() bool { return m.unheard == 0 })
	w.Run(time.Second) // in which nothing must be heard once more
	for i, h := range hosts {
		h.Post(m.clients[i].close)
		lost += m.clients[i].lost
	}
	w.Run(time.Second)
	server.Do(s.close)
	return lost
}

func TestChat(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		rooms := w.Draw("rooms", 1, 2)
		size := w.Draw("members", 1, 4)
		simulateChat(w, chatRun{clients: rooms * size, room: size, every: time.Minute, length: time.Duration(w.Draw("minutes", 1, 10)) * time.Minute})
	})
}
