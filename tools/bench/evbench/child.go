package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
	"github.com/go-libevent/libevent/tools/bench/internal/loop"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/pin"
	"github.com/go-libevent/libevent/tools/bench/internal/server"
)

// The first arguments by which a child is recognised.
const (
	childMeasure = "measure" // workload and numbers
	childPin     = "pin"     // processors, program and its arguments
	childServe   = "serve"   // server and numbers
	childFlood   = "flood"   // address
	childResolve = "resolve" // resolver, address of the upstream and numbers
	childHold    = "hold"    // the same, to hold lookups outstanding
	childAsk     = "ask"     // client, address of the server and numbers
)

// endOfNumbers separates the numbers of a load from the command that starts its
// server.
const endOfNumbers = "--"

// childTimeout ends a child that hangs.
const childTimeout = 5 * time.Minute

// errUnable says that a workload cannot be run on this machine.
var errUnable = errors.New("skipped")

// runChild runs a program on the given processors, or anywhere if there are
// none, and returns the figures that it prints.
func (r *runner) runChild(ctx context.Context, cpus []int, command []string) ([]measure.Figure, error) {
	if len(cpus) > 0 {
		command = r.pinned(cpus, command)
	}
	ctx, cancel := context.WithTimeout(ctx, childTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, childError(err, ctx.Err(), stderr.String())
	}
	return measure.Parse(&stdout)
}

// pinned returns the command that runs a command on the given processors.
func (r *runner) pinned(cpus []int, command []string) []string {
	return append([]string{r.self, childPin, joinCPUs(cpus)}, command...)
}

// childError says why a child ended without success. ended is why it was
// killed, if it was.
func childError(err, ended error, stderr string) error {
	message := strings.TrimSpace(stderr)
	var exit *exec.ExitError
	switch {
	case ended != nil:
		return ended
	case errors.As(err, &exit) && exit.ExitCode() == exitUnable:
		return fmt.Errorf("%w: %s", errUnable, message)
	case message != "":
		return fmt.Errorf("%w: %s", err, message)
	}
	return err
}

// runMeasure is the child that runs a workload of this library, or the load on
// a server.
func runMeasure(args []string, stdout, stderr io.Writer) int {
	figures, err := runWorkload(args)
	return printFigures(figures, err, stdout, stderr)
}

// printFigures ends a child that has measured something, or has failed.
func printFigures(figures []measure.Figure, err error, stdout, stderr io.Writer) int {
	if err == nil {
		err = measure.Print(stdout, figures)
	}
	if err != nil {
		return childFailed(err, stderr)
	}
	return exitOK
}

// childFailed reports the error of a child and returns its exit status.
func childFailed(err error, stderr io.Writer) int {
	fmt.Fprintln(stderr, err)
	if errors.Is(err, measure.ErrUnable) {
		return exitUnable
	}
	return exitFailed
}

// runWorkload runs a workload with its numbers.
func runWorkload(args []string) ([]measure.Figure, error) {
	if len(args) == 0 {
		return nil, errors.New("no workload")
	}
	numbers, server := args[1:], []string(nil)
	if i := slices.Index(numbers, endOfNumbers); i >= 0 {
		numbers, server = numbers[:i], numbers[i+1:]
	}
	n, err := parseInts(numbers)
	if err != nil {
		return nil, err
	}
	if len(server) > 0 {
		return runLoad(args[0], n, server)
	}
	switch workload := args[0]; {
	case workload == "timers" && len(n) == 1:
		return loop.Timers(n[0])
	case workload == "pipes" && len(n) == 3:
		return loop.Pipes(n[0], n[1], n[2])
	case workload == "activate" && len(n) == 1:
		return loop.Activate(n[0])
	case workload == "post" && len(n) == 1:
		return loop.Post(n[0])
	case workload == "idle" && len(n) == 2:
		return loop.Idle(n[1], n[0] != 0)
	}
	return nil, fmt.Errorf("unknown workload %q", args)
}

// runLoad runs the load on a server. Times are in milliseconds.
func runLoad(workload string, n []int, server []string) ([]measure.Figure, error) {
	switch {
	case workload == "echo" && len(n) == 3:
		return load.Echo(server, n[0], n[1], milliseconds(n[2]))
	case workload == "throughput" && len(n) == 1:
		return load.Throughput(server, n[0])
	case workload == "memory" && len(n) == 1:
		return load.Memory(server, n[0])
	case workload == "ratelimit" && len(n) == 3:
		return load.RateLimit(server, n[0], n[1], milliseconds(n[2]))
	case workload == "syscalls" && len(n) == 3:
		return load.Syscalls(server, n[0], n[1], n[2])
	case workload == "tls-echo" && len(n) == 3:
		return load.TLSEcho(server, n[0], n[1], milliseconds(n[2]))
	case workload == "tls-handshake" && len(n) == 3:
		return load.TLSHandshakes(server, tls.CurveID(n[0]), n[1] != 0, milliseconds(n[2]))
	case workload == "tls-throughput" && len(n) == 1:
		return load.TLSThroughput(server, n[0])
	case workload == "tls-memory" && len(n) == 1:
		return load.TLSMemory(server, n[0])
	case workload == "tls-flood" && len(n) == 2:
		return runTLSFlood(server, n[0], milliseconds(n[1]))
	case workload == "dnsperf" && len(n) == 3:
		return load.DNSPerf(server, n[0], n[1], milliseconds(n[2]))
	case workload == "dns-server" && len(n) == 2:
		return load.DNSServer(server, n[0], milliseconds(n[1]))
	case workload == "dns-resolver" && len(n) == 2:
		return load.DNSResolve(server, n[0], n[1])
	case workload == "dns-memory" && len(n) == 1:
		return load.DNSHold(server, n[0])
	case strings.HasPrefix(workload, "http"):
		return runHTTPLoad(workload, n, server)
	case strings.HasPrefix(workload, "rpc"):
		return runRPCLoad(workload, n, server)
	}
	return nil, fmt.Errorf("unknown load %q %d", workload, n)
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// runServe is the child that is a server, until its standard input ends.
func runServe(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		return childFailed(errors.New("no server"), stderr)
	}
	n, err := parseInts(args[1:])
	if err == nil {
		err = server.Serve(args[0], n, stdin, stdout)
	}
	if err != nil {
		return childFailed(err, stderr)
	}
	return exitOK
}

// runTLSFlood has another child be the flood.
func runTLSFlood(server []string, conns int, d time.Duration) ([]measure.Figure, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return load.TLSFlood(server, []string{self, childFlood}, conns, d)
}

// runFlood is the child that is a flood, until its standard input ends.
func runFlood(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		return childFailed(errors.New("no address to flood"), stderr)
	}
	if err := load.Flood(args[0], stdin, stdout); err != nil {
		return childFailed(err, stderr)
	}
	return exitOK
}

// runResolver is the child that is a resolver.
func runResolver(resolve func([]string) ([]measure.Figure, error), args []string, stdout, stderr io.Writer) int {
	figures, err := resolve(args)
	return printFigures(figures, err, stdout, stderr)
}

// runPin is the child that confines itself to processors and becomes another
// program.
func runPin(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		fmt.Fprintln(stderr, "no program to run")
		return exitFailed
	}
	cpus, err := parseInts(strings.Split(args[0], ","))
	if err == nil {
		err = pin.Exec(cpus, args[1], args[2:]...)
	}
	fmt.Fprintln(stderr, err)
	return exitFailed
}

// joinCPUs writes a list of processors as runPin reads it.
func joinCPUs(cpus []int) string {
	var words []string
	for _, cpu := range cpus {
		words = append(words, strconv.Itoa(cpu))
	}
	return strings.Join(words, ",")
}

// parseInts reads numbers.
func parseInts(words []string) ([]int, error) {
	numbers := make([]int, len(words))
	for i, word := range words {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}
