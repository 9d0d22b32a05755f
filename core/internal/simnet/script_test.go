package simnet_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// commands are those of scripts. A script is what a program does with sockets, and
// what it gets to see. Each line is a command on sockets, which have names, and its
// result:
//
//	recv c 100 = "data"
//
// Without a result, the command must succeed in all that it was asked for, which reads
// ok. An address is that of a socket if it is a name, and ports may be names likewise,
// as in 127.0.0.1:c. Unix sockets have names of their own, in a folder of the script.
//
// Between two lines the network has a moment. The kernel's may need more, so that what
// had no effect and may have been early is tried again.
var commands = map[string]func(p *runner, args []string) string{
	"tcp4":     makes(syscall.AF_INET, sysio.Socket),
	"tcp6":     makes(syscall.AF_INET6, sysio.Socket),
	"unix":     makes(syscall.AF_UNIX, sysio.Socket),
	"udp4":     makes(syscall.AF_INET, sysio.DatagramSocket),
	"udp6":     makes(syscall.AF_INET6, sysio.DatagramSocket),
	"pair":     (*runner).pair,     // NEW NEW stream or datagram
	"loopback": (*runner).loopback, // CONNECTOR ACCEPTOR
	"wake":     (*runner).wake,     // READER WRITER
	"dup":      (*runner).dup,      // NEW SOCKET

	"bind":     (*runner).bind,    // SOCKET ADDRESS
	"listen":   (*runner).listen,  // SOCKET BACKLOG
	"connect":  (*runner).connect, // SOCKET ADDRESS: started unless it is done at once
	"accept":   (*runner).accept,  // NEW LISTENER: the peer's address
	"sockname": tells(sysio.Sockname),
	"peername": tells(sysio.Peername),
	"spread":   (*runner).spread,   // COUNT LISTENER LISTENER: ok if each gets some connections
	"spreadto": (*runner).spreadTo, // COUNT SOCKET SOCKET: ok if each gets some messages

	"send":     moves(sysio.Send), // SOCKET TEXT
	"write":    moves(sysio.Write),
	"recv":     gets(sysio.Recv), // SOCKET ROOM: the text, or end
	"read":     gets(sysio.Read),
	"fill":     (*runner).fill,     // SOCKET: sends until that would wait
	"take":     (*runner).take,     // SOCKET PEER COUNT|all: receives so much of what the peer's fill has sent
	"sendto":   (*runner).sendto,   // SOCKET ADDRESS TEXT [LOCAL]
	"received": (*runner).received, // SOCKET COUNT: none, fewer or all of so many messages
	"recvfrom": (*runner).recvfrom, // SOCKET ROOM: the text, the sender, and what else is known

	"shutdown": does(sysio.ShutdownWrite),
	"close":    (*runner).close,
	"reset":    (*runner).resetConnection, // CONNECTION: closes it by a reset
	"null":     does(sysio.PutNull),
	"signal":   does(sysio.Signal),
	"drain":    (*runner).drain, // READER
	"nodelay":  does(sysio.SetNoDelay),
	"nonblock": does(sysio.SetNonblock),
	"tell":     does(sysio.TellLocal),
	"queue":    does(sysio.QueueErrors),
	"queued":   (*runner).queued, // SOCKET: an error of the queue

	"error":     (*runner).pendingError, // SOCKET: the pending error
	"option":    (*runner).option,       // SOCKET NAME: its value
	"set":       (*runner).set,          // SOCKET NAME VALUE
	"listening": asks(sysio.Listening),
	"issocket":  asks(func(fd int) (bool, error) { return sysio.IsSocket(fd), nil }),

	"ready": (*runner).ready, // SOCKET: what is ready now, by a watch of its own
	"watch": (*runner).watch, // SOCKET CONDITION...
	"poll":  (*runner).poll,  // waits for what is ready of all that is watched
}

// A backend is what scripts run on: the kernel, or a simulation of it.
type backend struct {
	method poller.Method
	reset  func(fd int) error // closes a connection by a reset
	folder func() string      // a new one for Unix sockets
}

// patience is how long a script waits for what must happen.
const patience = 5 * time.Second

// moment is what the network has between two lines.
const moment = time.Millisecond

// A runner runs one script.
type runner struct {
	backend
	t       *testing.T
	clock   poller.Poller // on which nothing is watched for long
	watcher poller.Poller // of watch and poll

	fds     map[string]int
	names   map[int]string    // undoes fds
	opened  []string          // in order
	ports   map[uint16]string // names of the sockets that have them
	place   string            // of Unix sockets, once there are any
	paths   map[string]string // their names, by path
	watched map[string]poller.Interest
	seen    map[string]poller.Interest
	filled  map[string]int // how much fill has sent, by socket
	taken   map[string]int // how much take has received, by socket
}

// runScript runs a script and compares what it sees with what it says.
func runScript(t *testing.T, g backend, script string) error {
	p := &runner{
		backend: g, t: t,
		fds: map[string]int{"none": -1}, names: map[int]string{},
		ports: map[uint16]string{}, paths: map[string]string{},
		watched: map[string]poller.Interest{},
		filled:  map[string]int{}, taken: map[string]int{},
	}
	p.clock, p.watcher = p.open(), p.open()
	var log []string
	failed := false
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		command, want, said := strings.Cut(line, " = ")
		if !said {
			want = "ok"
		}
		got := p.run(strings.Fields(command), want, failed)
		if got == want {
			log = append(log, "  "+line)
			continue
		}
		failed = true
		log = append(log, fmt.Sprintf("! %s = %s, want %s", command, got, want))
	}
	for _, name := range p.opened {
		_ = sysio.CloseSocket(p.fds[name]) // the test is over
	}
	for _, w := range []poller.Poller{p.watcher, p.clock} {
		if err := w.Close(); err != nil {
			t.Errorf("close the poller: %v", err)
		}
	}
	if failed {
		return fmt.Errorf("the script has seen:\n%s", strings.Join(log, "\n"))
	}
	return nil
}

func (p *runner) open() poller.Poller {
	w, err := p.method.Open(poller.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

// run runs a command until its result is the one that is wanted, or cannot become so.
func (p *runner) run(words []string, want string, hurry bool) string {
	command := commands[words[0]]
	if command == nil {
		p.t.Fatalf("there is no command %q", words[0])
	}
	p.seen = map[string]poller.Interest{}
	for start := poller.Monotonic(); ; {
		p.pause()
		got := command(p, words[1:])
		waited := time.Duration(poller.Monotonic() - start)
		if got == want || !mayBeEarly(words[0], got) || waited > patience || hurry && waited > 20*moment {
			return got
		}
	}
}

// mayBeEarly reports whether a command that had this result can be given again: it had
// no effect, or what it has seen is added up.
func mayBeEarly(command, got string) bool {
	switch command {
	case "ready", "poll":
		return true
	case "error":
		return got == "ok"
	default:
		return got == "EAGAIN"
	}
}

// pause lets the network work for a moment.
func (p *runner) pause() { p.wait(p.clock, moment) }

func (p *runner) wait(w poller.Poller, d time.Duration) []poller.Event {
	if err := w.Flush(); err != nil {
		p.t.Fatalf("flush: %v", err)
	}
	end := poller.Now
	if d > 0 {
		end = poller.Deadline(poller.Monotonic() + int64(d))
	}
	events, _, err := w.Wait(end, nil)
	if err != nil {
		p.t.Fatalf("wait: %v", err)
	}
	return events
}

// result is what a command says of its error.
func result(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return errnoName(errno)
	default:
		return err.Error()
	}
}

// fd returns the descriptor of a name.
func (p *runner) fd(name string) int {
	fd, ok := p.fds[name]
	if !ok {
		p.t.Fatalf("there is no socket %q", name)
	}
	return fd
}

// made gives a name to a new descriptor.
func (p *runner) made(name string, fd int) {
	if slices.Contains(p.opened, name) {
		p.t.Fatalf("%q is open", name)
	}
	p.fds[name], p.names[fd] = fd, name
	p.opened = append(p.opened, name)
}

func makes(family int, socket func(int, sysio.Mode) (int, error)) func(*runner, []string) string {
	return func(p *runner, args []string) string {
		fd, err := socket(family, sysio.Mode{})
		if err != nil {
			return result(err)
		}
		p.made(args[0], fd)
		return "ok"
	}
}

func (p *runner) pair(args []string) string {
	kind := syscall.SOCK_STREAM
	if args[2] == "datagram" {
		kind = syscall.SOCK_DGRAM
	}
	return p.madePair(args)(sysio.Socketpair(syscall.AF_UNIX, kind, 0))
}

func (p *runner) loopback(args []string) string { return p.madePair(args)(sysio.LoopbackPair()) }

func (p *runner) madePair(args []string) func([2]int, error) string {
	return func(pair [2]int, err error) string {
		if err != nil {
			return result(err)
		}
		for i, fd := range pair {
			p.made(args[i], fd)
			p.learn(args[i])
		}
		return "ok"
	}
}

func (p *runner) wake(args []string) string {
	r, w, err := sysio.WakeChannel()
	if err != nil {
		return result(err)
	}
	p.made(args[0], r)
	if w != r {
		p.made(args[1], w)
	}
	p.fds[args[1]] = w
	return "ok"
}

func (p *runner) dup(args []string) string {
	fd, err := sysio.Duplicate(p.fd(args[1]))
	if err != nil {
		return result(err)
	}
	p.made(args[0], fd)
	return "ok"
}

func (p *runner) bind(args []string) string {
	err := sysio.Bind(p.fd(args[0]), p.address(args[1]))
	p.learn(args[0])
	return result(err)
}

func (p *runner) listen(args []string) string {
	err := sysio.Listen(p.fd(args[0]), p.number(args[1]))
	p.learn(args[0])
	return result(err)
}

func (p *runner) connect(args []string) string {
	done, err := sysio.StartConnect(p.fd(args[0]), p.address(args[1]))
	p.learn(args[0])
	if err == nil && !done {
		return "started"
	}
	return result(err)
}

func (p *runner) accept(args []string) string {
	fd, peer, err := sysio.Accept(p.fd(args[1]), sysio.Mode{})
	if err != nil {
		return result(err)
	}
	p.made(args[0], fd)
	if !peer.IsValid() {
		return "unnamed"
	}
	return p.addrPort(peer)
}

// spread connects to listeners that have one address, and accepts what comes.
func (p *runner) spread(args []string) string {
	connect := func() (int, error) {
		fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{})
		if err == nil {
			_, err = sysio.StartConnect(fd, p.address(args[1]))
		}
		return fd, err
	}
	return p.spreads(args, connect, func(listener int) bool {
		fd, _, err := sysio.Accept(listener, sysio.Mode{})
		if err == nil {
			_ = sysio.CloseSocket(fd) // nothing was sent
		}
		return err == nil
	})
}

// spreadTo sends messages to sockets that have one address, each from another socket.
func (p *runner) spreadTo(args []string) string {
	send := func() (int, error) {
		fd, err := sysio.DatagramSocket(syscall.AF_INET, sysio.Mode{})
		if err == nil {
			_, err = sysio.StartConnect(fd, p.address(args[1]))
		}
		if err == nil {
			_, err = sysio.Send(fd, [][]byte{{1}})
		}
		return fd, err
	}
	return p.spreads(args, send, func(fd int) bool {
		_, err := sysio.Recv(fd, [][]byte{make([]byte, 10)})
		return err == nil
	})
}

func (p *runner) spreads(args []string, open func() (int, error), get func(fd int) bool) string {
	count := p.number(args[0])
	for range count {
		fd, err := open()
		if err != nil {
			return result(err)
		}
		defer sysio.CloseSocket(fd)
	}
	p.pause()
	total := 0
	for _, name := range args[1:] {
		got := 0
		for get(p.fd(name)) {
			got++
		}
		if got == 0 {
			return name + " gets none"
		}
		total += got
	}
	if total != count {
		return fmt.Sprintf("%d of %d", total, count)
	}
	return "ok"
}

// text returns what a word stands for: itself, nothing or many bytes.
func (p *runner) text(word string) []byte {
	if word == `""` {
		return nil
	}
	if count, ok := strings.CutPrefix(word, "bytes:"); ok {
		return []byte(strings.Repeat("x", p.number(count)))
	}
	return []byte(word)
}

func moves(send func(int, [][]byte) (int, error)) func(*runner, []string) string {
	return func(p *runner, args []string) string {
		text := p.text(args[1])
		n, err := send(p.fd(args[0]), [][]byte{text})
		if err == nil && n < len(text) {
			return "a part"
		}
		return result(err)
	}
}

func gets(recv func(int, [][]byte) (int, error)) func(*runner, []string) string {
	return func(p *runner, args []string) string {
		room := make([]byte, p.number(args[1]))
		n, err := recv(p.fd(args[0]), [][]byte{room})
		if err != nil {
			return result(err)
		}
		if n == 0 {
			return "end"
		}
		return quote(room[:n])
	}
}

// quote shows what was received, or how much.
func quote(text []byte) string {
	const readable = 40
	if len(text) > readable {
		return fmt.Sprintf("%d bytes", len(text))
	}
	return strconv.Quote(string(text))
}

// pattern returns n bytes, at most period, of what fill sends, from a position on.
func pattern(at, n int) []byte { return patterns[at%period:][:n] }

const period = 64 << 10

var patterns = func() (p [2 * period]byte) {
	for i := range p {
		p[i] = byte(i%period>>8*31 + i)
	}
	return p
}()

func (p *runner) fill(args []string) string {
	name := args[0]
	before := p.filled[name]
	for refused := 0; refused < 5; {
		if p.filled[name]-before > 64<<20 {
			return "is never full"
		}
		n, err := sysio.Send(p.fd(name), [][]byte{pattern(p.filled[name], 4<<10)})
		if err == sysio.ErrAgain {
			refused++
			p.pause()
			continue
		}
		if err != nil {
			return result(err)
		}
		p.filled[name] += n
		refused = 0
	}
	if p.filled[name] == before {
		return "EAGAIN"
	}
	return "ok"
}

func (p *runner) take(args []string) string {
	name, peer := args[0], args[1]
	count := p.filled[peer] - p.taken[peer]
	if args[2] != "all" {
		count = p.number(args[2])
	}
	for count > 0 {
		room := make([]byte, min(count, period))
		n, err := sysio.Recv(p.fd(name), [][]byte{room})
		if err == sysio.ErrAgain && args[2] != "all" {
			return fmt.Sprintf("%d too few", count)
		}
		if err != nil {
			return result(err)
		}
		if n == 0 {
			return "end"
		}
		if !bytes.Equal(room[:n], pattern(p.taken[peer], n)) {
			return fmt.Sprintf("other bytes from %d on", p.taken[peer])
		}
		p.taken[peer] += n
		count -= n
	}
	return "ok"
}

func does(f func(int) error) func(*runner, []string) string {
	return func(p *runner, args []string) string { return result(f(p.fd(args[0]))) }
}

func asks(f func(int) (bool, error)) func(*runner, []string) string {
	return func(p *runner, args []string) string {
		yes, err := f(p.fd(args[0]))
		if err != nil {
			return result(err)
		}
		return strconv.FormatBool(yes)
	}
}

func (p *runner) close(args []string) string {
	p.forget(args[0])
	return result(sysio.CloseSocket(p.fd(args[0])))
}

func (p *runner) resetConnection(args []string) string {
	p.forget(args[0])
	return result(p.reset(p.fd(args[0])))
}

// forget leaves a descriptor that is going to be closed. Its name stands for the number
// on.
func (p *runner) forget(name string) {
	p.opened = slices.DeleteFunc(p.opened, func(s string) bool { return s == name })
}

func (p *runner) drain(args []string) string {
	message := make([]byte, sysio.WakeMessageLen)
	n, err := sysio.Drain(p.fd(args[0]), message)
	if err == nil && n != len(message) {
		return fmt.Sprintf("%d bytes", n)
	}
	return result(err)
}

func (p *runner) pendingError(args []string) string {
	pending, err := sysio.PendingError(p.fd(args[0]))
	if err != nil {
		return result(err)
	}
	return result(pending)
}

func (p *runner) option(args []string) string {
	o := p.optionOf(args[1])
	n, err := sysio.Option(p.fd(args[0]), o[0], o[1])
	if err != nil {
		return result(err)
	}
	return strconv.Itoa(n)
}

func (p *runner) set(args []string) string {
	o := p.optionOf(args[1])
	return result(sysio.SetOption(p.fd(args[0]), o[0], o[1], p.number(args[2])))
}

func (p *runner) optionOf(name string) [2]int {
	o, ok := options[name]
	if !ok && runtime.GOOS != "linux" {
		p.t.Skipf("no option %s", name)
	}
	if !ok {
		p.t.Fatalf("there is no option %q", name)
	}
	return o
}

func (p *runner) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// conditions are those that pollers report, by name.
var conditions = []struct {
	name string
	bit  poller.Interest
}{
	{"read", poller.Read},
	{"write", poller.Write},
	{"closed", poller.Closed},
	{"edge", poller.Edge},
}

func (p *runner) ready(args []string) string {
	const all = poller.Read | poller.Write | poller.Closed
	fd := p.fd(args[0])
	if err := p.clock.Update(fd, 0, all); err != nil {
		return result(err)
	}
	var ready poller.Interest
	for _, e := range p.wait(p.clock, 0) {
		ready |= e.Ready
	}
	if err := p.clock.Update(fd, all, 0); err != nil {
		return result(err)
	}
	return describe(ready)
}

func describe(in poller.Interest) string {
	var words []string
	for _, c := range conditions {
		if in&c.bit != 0 {
			words = append(words, c.name)
		}
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, "+")
}

func (p *runner) watch(args []string) string {
	var in poller.Interest
	for _, c := range conditions {
		if slices.Contains(args[1:], c.name) {
			in |= c.bit
		}
	}
	name := args[0]
	if err := p.watcher.Update(p.fd(name), p.watched[name], in); err != nil {
		return result(err)
	}
	p.watched[name] = in
	return "ok"
}

// poll adds up what is ready of what is watched.
func (p *runner) poll([]string) string {
	for _, e := range p.wait(p.watcher, moment) {
		name := p.names[e.FD]
		p.seen[name] |= e.Ready & p.watched[name]
	}
	var words []string
	for name, in := range p.seen {
		if in != 0 {
			words = append(words, name+":"+describe(in))
		}
	}
	if len(words) == 0 {
		return "-"
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
