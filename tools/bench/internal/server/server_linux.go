package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"

	"github.com/go-libevent/libevent/openssl/evtls"
	"github.com/go-libevent/libevent/tools/bench/internal/process"
)

// address is where all servers listen: on a port that the system chooses.
const address = "127.0.0.1:0"

// readSize is the length of the buffer that a loop reads into.
const readSize = 64 << 10

// ready is called by a server, once, with its address.
type ready func(addr net.Addr)

// servers are the servers by name, which run until they fail.
var servers = map[string]func(ready) error{
	"ours":       func(r ready) error { return serveOurs(r, 0, 0) },
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

// tlsServers are those that speak TLS, with the certificate that the environment
// names.
var tlsServers = map[string]func(ready) error{
	"tls-ours":       func(r ready) error { return serveTLSOurs(r, nil) },
	"tls-workers":    func(r ready) error { return serveTLSOurs(r, evtls.NewWorkers(1)) },
	"tls-net":        func(r ready) error { return serveTLSNet(r, echoNet) },
	"tls-net-stream": func(r ready) error { return serveTLSNet(r, copyNet) },
}

// dnsServers are those that answer queries over UDP.
var dnsServers = map[string]func(ready) error{
	"dns-ours":  serveDNSOurs,
	"dns-miekg": serveMiekg,
}

// errEnded says that a server ended without being told to.
var errEnded = errors.New("the server ended by itself")

// find returns a server by its name and numbers: ours may have two limits, and
// one that speaks TLS a number of processors.
func find(name string, numbers []int) (func(ready) error, error) {
	if name == "ours" && len(numbers) == 2 {
		return func(r ready) error { return serveOurs(r, numbers[0], numbers[1]) }, nil
	}
	if serve, ok := servers[name]; ok && len(numbers) == 0 {
		return serve, nil
	}
	if serve, ok := tlsServers[name]; ok && len(numbers) == 0 {
		return serve, nil
	}
	if serve, ok := dnsServers[name]; ok && len(numbers) == 0 {
		return serve, nil
	}
	if serve, ok := httpServers[name]; ok && len(numbers) == 0 {
		return serve, nil
	}
	if serve, ok := rpcServers[name]; ok && len(numbers) == 0 {
		return serve, nil
	}
	if serve, ok := tlsServers[name]; ok && len(numbers) == 1 && numbers[0] > 0 {
		return func(r ready) error {
			runtime.GOMAXPROCS(numbers[0])
			return serve(r)
		}, nil
	}
	return nil, fmt.Errorf("unknown server %q %d", name, numbers)
}

// Serve runs a server until stdin ends. It writes the server's address to stdout
// as one line, and answers lines with its allocations so far.
func Serve(name string, numbers []int, stdin io.Reader, stdout io.Writer) error {
	serve, err := find(name, numbers)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	ended := make(chan error, 2)
	go func() {
		err := serve(func(addr net.Addr) { fmt.Fprintln(stdout, addr) })
		ended <- cmp.Or(err, errEnded)
	}()
	go func() {
		ended <- process.AnswerAllocations(stdin, stdout)
	}()
	return <-ended
}
