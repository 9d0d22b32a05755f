package sysio

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
)

// refusing is a system that fails in all it is asked, and counts.
type refusing struct{ calls int }

func (r *refusing) refuse() error         { r.calls++; return errHook }
func (r *refusing) count() (int, error)   { return 0, r.refuse() }
func (r *refusing) made() (int, error)    { return 7, r.refuse() }
func (r *refusing) both() ([2]int, error) { return [2]int{7, 8}, r.refuse() }

func (r *refusing) Recv(int, int) ([]byte, error)              { return nil, r.refuse() }
func (r *refusing) Send(int, []byte) (int, error)              { return r.count() }
func (r *refusing) Read(int, int) ([]byte, error)              { return nil, r.refuse() }
func (r *refusing) Write(int, []byte) (int, error)             { return r.count() }
func (r *refusing) Sendfile(int, int, int64, int) (int, error) { return r.count() }
func (r *refusing) Pread(int, []byte, int64) (int, error)      { return r.count() }
func (r *refusing) Size(int) (int64, error)                    { return 0, r.refuse() }
func (r *refusing) Map(int, int64, int) ([]byte, error)        { return nil, r.refuse() }
func (r *refusing) Unmap([]byte) error                         { return r.refuse() }
func (r *refusing) Close(int) error                            { return r.refuse() }
func (r *refusing) Socket(int, int, Mode) (int, error)         { return r.made() }
func (r *refusing) Bind(int, Sockaddr) error                   { return r.refuse() }
func (r *refusing) Listen(int, int) error                      { return r.refuse() }
func (r *refusing) Connect(int, Sockaddr) error                { return r.refuse() }
func (r *refusing) Sockname(int) (Sockaddr, error)             { return nil, r.refuse() }
func (r *refusing) Peername(int) (Sockaddr, error)             { return nil, r.refuse() }
func (r *refusing) ShutdownWrite(int) error                    { return r.refuse() }
func (r *refusing) CloseSocket(int) error                      { return r.refuse() }
func (r *refusing) Duplicate(int) (int, error)                 { return r.made() }
func (r *refusing) PutNull(int) error                          { return r.refuse() }
func (r *refusing) Option(int, int, int) (int, error)          { return r.count() }
func (r *refusing) SetOption(int, int, int, int) error         { return r.refuse() }
func (r *refusing) SetNoDelay(int) error                       { return r.refuse() }
func (r *refusing) Nonblocking(int) (bool, error)              { return false, r.refuse() }
func (r *refusing) SetNonblock(int) error                      { return r.refuse() }
func (r *refusing) SetCloseOnExec(int) error                   { return r.refuse() }
func (r *refusing) FindSocket(string) (uint64, error)          { return 0, r.refuse() }
func (r *refusing) RemoveSocket(string, uint64) error          { return r.refuse() }
func (r *refusing) LocalAddrs() ([]netip.Addr, error)          { return nil, r.refuse() }
func (r *refusing) Socketpair(int, int, int) ([2]int, error)   { return r.both() }
func (r *refusing) LoopbackPair() ([2]int, error)              { return r.both() }
func (r *refusing) Signal(int) error                           { return r.refuse() }
func (r *refusing) Drain(int, []byte) (int, error)             { return r.count() }
func (r *refusing) RecvMessage(int, []byte) (Received, error)  { return Received{}, r.refuse() }
func (r *refusing) RecvError(int) (QueuedError, error)         { return QueuedError{}, r.refuse() }

func (r *refusing) Accept(int, Mode) (int, netip.AddrPort, error) {
	return 7, netip.AddrPort{}, r.refuse()
}

func (r *refusing) WakeChannel() (int, int, error) { return 7, 8, r.refuse() }

func (r *refusing) SendMessage(int, []byte, netip.AddrPort, netip.Addr) error { return r.refuse() }

// Each call goes to the system that has taken the kernel's place, behind the hook.
func TestAnotherSystemGetsEachCall(t *testing.T) {
	for name, tt := range hookedCalls {
		t.Run(name, func(t *testing.T) {
			r := &refusing{}
			defer SetSystem(r)()
			if name == "HideRefusals" || name == "SetKeepAliveMillis" { // of which nothing is asked there
				if err := tt.call(); r.calls != 0 || err == nil {
					t.Errorf("%d calls, error %v", r.calls, err)
				}
				return
			}
			if err := tt.call(); !errors.Is(err, errHook) {
				t.Errorf("error %v, want %v", err, errHook)
			}
			calls := r.calls
			if calls == 0 {
				t.Error("the other system was not asked")
			}
			defer SetHook(func(Call) (int, error) { return 0, errHook })()
			if err := tt.call(); !errors.Is(err, errHook) {
				t.Errorf("error %v behind a hook, want %v", err, errHook)
			}
			want(t, "calls that the hook lets through", r.calls-calls, 0)
		})
	}
}

// The hook and the system are put back each for itself, in whatever order.
func TestTheKernelComesBack(t *testing.T) {
	r := &refusing{}
	withoutHook := SetHook(func(c Call) (int, error) { return c.Len, nil })
	withoutSystem := SetSystem(r)
	withoutHook()
	if err := ShutdownWrite(-1); err != errHook {
		t.Errorf("error %v with a system, want %v", err, errHook)
	}
	withoutSystem()
	if err := ShutdownWrite(-1); err == errHook || err == nil {
		t.Errorf("error %v from the kernel", err)
	}
	want(t, "calls", r.calls, 1)
	if current.Load() != nil {
		t.Error("calls still look for a hook or a system")
	}
}

// queue is a system with a stream that gives back what was sent, and a queue of
// messages. Every second call is interrupted.
type queue struct {
	refusing
	stream   []byte
	messages []queued
	turn     int
}

type queued struct {
	data  []byte
	peer  netip.AddrPort
	local netip.Addr
}

func (q *queue) interrupted() bool { q.turn++; return q.turn%2 == 1 }

func (q *queue) Send(_ int, p []byte) (int, error) {
	if q.interrupted() {
		return 0, ErrInterrupted
	}
	q.stream = append(q.stream, p...)
	return len(p), nil
}

func (q *queue) Recv(_, most int) ([]byte, error) {
	if q.interrupted() {
		return nil, ErrInterrupted
	}
	p := q.stream[:min(most, len(q.stream))]
	q.stream = q.stream[len(p):]
	return p, nil
}

func (q *queue) SendMessage(_ int, p []byte, peer netip.AddrPort, local netip.Addr) error {
	if q.interrupted() {
		return ErrInterrupted
	}
	q.messages = append(q.messages, queued{bytes.Clone(p), peer, local})
	return nil
}

func (q *queue) RecvMessage(_ int, p []byte) (Received, error) {
	if q.interrupted() {
		return Received{}, ErrInterrupted
	}
	if len(q.messages) == 0 {
		return Received{}, ErrAgain
	}
	m := q.messages[0]
	q.messages = q.messages[1:]
	return Received{N: copy(p, m.data), Peer: m.peer, Local: m.local, Truncated: len(p) < len(m.data)}, nil
}

func TestAnotherSystemMovesBytes(t *testing.T) {
	q := &queue{}
	defer SetSystem(q)()
	n, err := Send(1, pieces("one and threes", 3))
	ok(t, err)
	sent := string(q.stream)
	want(t, "bytes sent", n, len(sent))
	room := [][]byte{make([]byte, 2), {}, make([]byte, 100)}
	n, err = Recv(1, room)
	ok(t, err)
	want(t, "received", string(room[0])+string(room[2][:n-2]), sent)
	restore := SetHook(func(c Call) (int, error) { return 4, nil })
	n, err = Send(1, pieces("one and threes", 3))
	restore()
	ok(t, err)
	want(t, "bytes that the hook lets through", n, 4)
	want(t, "they", string(q.stream), sent[:4])
}

func TestAnotherSystemMovesMessages(t *testing.T) {
	peers := []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.1:53"),
		netip.MustParseAddrPort("[2001:db8::1]:5353"),
		{},
	}
	q := &queue{}
	defer SetSystem(q)()
	out, in := NewMessages(3), NewMessages(4)
	data := []string{"first", "the second, too long", ""}
	for i, s := range data {
		local := netip.Addr{}
		if CanTellLocal && i == 0 {
			local = netip.MustParseAddr("10.0.0.2")
		}
		ok(t, out.Set(i, []byte(s), peers[i], local))
	}
	n, err := SendMessages(1, out, 3)
	ok(t, err)
	want(t, "sent", n, 3)

	room := make([][]byte, in.Len())
	for i := range room {
		room[i] = make([]byte, 10)
		in.SetRoom(i, room[i])
	}
	n, err = RecvMessages(1, in)
	ok(t, err)
	want(t, "received", n, 3)
	for i, s := range data {
		r := in.Received(i)
		want(t, "data", string(room[i][:r.N]), s[:min(len(s), 10)])
		want(t, "peer", r.Peer, peers[i])
		want(t, "truncated", r.Truncated, len(s) > 10)
		want(t, "tells the local address", r.Local.IsValid(), CanTellLocal && i == 0)
	}
	_, err = RecvMessages(1, in)
	want(t, "error when there are no more", err, ErrAgain)
}
