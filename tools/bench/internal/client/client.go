package client

import (
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strconv"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

// task is what a client is to do: ask a server for bodies of a size, or call it with
// messages that have as many lines, with a number of requests under way at any time, each
// on a connection that is kept.
type task struct {
	addr   netip.AddrPort
	size   int
	atOnce int
}

// clients are the clients by name, which run until something is wrong.
var clients = map[string]func(task) error{
	"raw":  func(t task) error { return load.AskHTTP(t.addr, t.size, t.atOnce) },
	"fast": askFastHTTP,
	"net":  askNet,
	"ours": askOurs,
}

// rpcClients are those of RPC.
var rpcClients = map[string]func(task) error{
	"rpc-ours": callOurs,
	"rpc-net":  callNet,
}

// Run runs a client until stdin ends: its arguments are a name, the server's
// address, the size of the bodies and the number of requests under way. It writes
// the address to stdout as one line, and answers lines with its allocations so far.
func Run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) != 4 || clients[args[0]] == nil && rpcClients[args[0]] == nil {
		return fmt.Errorf("unknown client %q", args)
	}
	ask := clients[args[0]]
	if ask == nil {
		ask = rpcClients[args[0]]
	}
	t, err := parse(args[1:])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	if _, err := fmt.Fprintln(stdout, t.addr); err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- ask(t) }()
	go func() { ended <- process.AnswerAllocations(stdin, stdout) }()
	return <-ended
}

// parse reads a task, of which no number is below 1.
func parse(args []string) (task, error) {
	addr, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return task{}, err
	}
	var numbers [2]int
	for i, word := range args[1:] {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return task{}, fmt.Errorf("number %q, want at least 1", word)
		}
		numbers[i] = n
	}
	return task{addr, numbers[0], numbers[1]}, nil
}

// url is what is asked for.
func (t task) url() string { return fmt.Sprintf("http://%v/%d", t.addr, t.size) }

// check says whether a response is the one that was asked for.
func (t task) check(status, size int) error {
	if status != 200 || size != t.size {
		return fmt.Errorf("a response with status %d and %d bytes, want 200 and %d", status, size, t.size)
	}
	return nil
}

// repeat has goroutines ask, and returns the first error.
func (t task) repeat(ask func() error) error {
	failed := make(chan error, t.atOnce)
	for range t.atOnce {
		go func() {
			for {
				if err := ask(); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}
