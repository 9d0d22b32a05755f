package simnet_test

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/simnet"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A row is a script that the kernel and the simulation must agree on. The model is
// Linux: where other kernels differ in a row, it is run on Linux alone, and on a
// simulation everywhere.
type row struct {
	name   string
	on     kernels
	script string
}

// kernels are those that do what a row says.
type kernels int

const (
	all     kernels = iota
	linux           // and no other
	asLinux         // and a simulation only there: sysio has no such calls or errors elsewhere
)

// agreements are the tables of rows, by what they are about.
var agreements = map[string][]row{
	"connections":    connectionRows,
	"streams":        streamRows,
	"resets":         resetRows,
	"edges":          edgeRows,
	"buffers":        bufferRows,
	"listeners":      listenerRows,
	"addresses":      addressRows,
	"datagrams":      datagramRows,
	"unix sockets":   unixRows,
	"descriptors":    descriptorRows,
	"wrong requests": misuseRows,
}

// attempts is how often a script is run before the kernel is said to differ: other
// processes may have a port that the script counts on, or the processor for long.
const attempts = 3

func TestTheKernelDoesWhatScriptsSay(t *testing.T) {
	method := poller.Methods()[0]
	for _, m := range poller.Methods() {
		if m.Name == "epoll" { // also where another is first
			method = m
		}
	}
	eachRow(t, func(t *testing.T, r row) {
		if r.on != all && runtime.GOOS != "linux" {
			t.Skip("what Linux does")
		}
		if strings.Contains(r.script, "[::") && !hasIPv6() {
			t.Skip("no IPv6")
		}
		leak.Check(t)
		var err error
		for range attempts {
			err = runScript(t, backend{method: method, reset: kernelReset, folder: t.TempDir}, r.script)
			if err == nil {
				return
			}
		}
		t.Error(err)
	})
}

// The order of events at one moment is the seed's, and must not matter here.
func TestTheNetworkDoesWhatScriptsSay(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	eachRow(t, func(t *testing.T, r row) {
		if r.on == asLinux && runtime.GOOS != "linux" {
			t.Skip("what sysio does on Linux only")
		}
		for seed := range uint64(seeds) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(seed)
				defer n.Close()
				host := n.AddHost("host")
				host.In(func() {
					err := runScript(t, backend{
						method: poller.Methods()[0],
						reset:  func(fd int) error { return errors.Join(n.Reset(fd), sysio.CloseSocket(fd)) },
						folder: func() string { return "/run" },
					}, r.script)
					if err != nil {
						t.Error(err)
					}
				})
				if open := host.Open(); len(open) > 0 {
					t.Errorf("left open: %q", open)
				}
			})
			if t.Failed() {
				return
			}
		}
	})
}

// eachRow runs a test for each row.
func eachRow(t *testing.T, test func(t *testing.T, r row)) {
	for _, about := range slices.Sorted(maps.Keys(agreements)) {
		for _, r := range agreements[about] {
			t.Run(about+"/"+r.name, func(t *testing.T) { test(t, r) })
		}
	}
}

// hasIPv6 reports whether the kernel has the IPv6 loopback address.
func hasIPv6() bool {
	fd, err := sysio.Socket(afInet6, sysio.Mode{})
	if err != nil {
		return false
	}
	defer sysio.CloseSocket(fd)
	return sysio.Bind(fd, loopback6()) == nil
}
