package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
)

// address is where all servers listen: on a port that the system chooses.
const address = "127.0.0.1:0"

// readSize is the length of the buffer that a loop reads into.
const readSize = 64 << 10

// ready is called by a server, once, with its address.
type ready func(addr net.Addr)

// servers are the servers by name, which run until they fail.
var servers = map[string]func(ready) error{
	"ours":       func(r ready) error { return serveEvent(r, false) },
	"parked":     func(r ready) error { return serveEvent(r, false) },
	"blocked":    func(r ready) error { return serveEvent(r, true) },
	"raw":        serveRaw,
	"gnet":       serveGnet,
	"netpoll":    serveNetpoll,
	"evio":       serveEvio,
	"nbio":       serveNbio,
	"net":        serveNet,
	"net-stream": serveNetStream,
}

// errEnded says that a server ended without being told to.
var errEnded = errors.New("the server ended by itself")

// Serve runs a server until stdin ends. It writes the server's address to stdout
// as one line. Numbers are those that the server takes.
func Serve(name string, numbers []int, stdin io.Reader, stdout io.Writer) error {
	serve, ok := servers[name]
	if !ok || len(numbers) != 0 {
		return fmt.Errorf("unknown server %q %d", name, numbers)
	}
	runtime.GOMAXPROCS(1)
	ended := make(chan error, 2)
	go func() {
		err := serve(func(addr net.Addr) { fmt.Fprintln(stdout, addr) })
		ended <- cmp.Or(err, errEnded)
	}()
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- err
	}()
	return <-ended
}
