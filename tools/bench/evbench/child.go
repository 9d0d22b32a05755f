package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/loop"
	"github.com/go-libevent/libevent/tools/bench/internal/pin"
)

// The first arguments by which a child is recognised.
const (
	childMeasure = "measure" // workload and numbers
	childPin     = "pin"     // processors, program and its arguments
)

// childTimeout ends a child that hangs.
const childTimeout = 5 * time.Minute

// errUnable says that a workload cannot be run on this machine.
var errUnable = errors.New("skipped")

// runChild runs a program on the given processors, or anywhere if there are
// none, and returns the figures that it prints.
func runChild(ctx context.Context, self string, cpus []int, program string, args []string) ([]loop.Figure, error) {
	if len(cpus) > 0 {
		args = append([]string{childPin, joinCPUs(cpus), program}, args...)
		program = self
	}
	ctx, cancel := context.WithTimeout(ctx, childTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, childError(err, ctx.Err(), stderr.String())
	}
	return parseFigures(&stdout)
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

// parseFigures reads figures, one a line: name, tab, value.
func parseFigures(r io.Reader) ([]loop.Figure, error) {
	var figures []loop.Figure
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), "\t")
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("figure %q: %w", lines.Text(), err)
		}
		figures = append(figures, loop.Figure{Name: name, Value: value})
	}
	return figures, lines.Err()
}

// runMeasure is the child that runs a workload of this library.
func runMeasure(args []string, stdout, stderr io.Writer) int {
	figures, err := measure(args)
	if err != nil {
		fmt.Fprintln(stderr, err)
		if errors.Is(err, loop.ErrUnable) {
			return exitUnable
		}
		return exitFailed
	}
	for _, f := range figures {
		fmt.Fprintf(stdout, "%s\t%.3f\n", f.Name, f.Value)
	}
	return exitOK
}

// measure runs a workload with its numbers.
func measure(args []string) ([]loop.Figure, error) {
	if len(args) == 0 {
		return nil, errors.New("no workload")
	}
	n, err := parseInts(args[1:])
	if err != nil {
		return nil, err
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
		return loop.Idle(n[0], n[1] != 0)
	case workload == "wait" && len(n) == 2:
		return measureWait(n[0], n[1] != 0)
	case workload == "wait-server" && len(n) == 1:
		return nil, loop.WaitServer(n[0] != 0)
	}
	return nil, fmt.Errorf("unknown workload %q", args)
}

// measureWait runs the load on one processor of two and the server, a child of
// its own, on the other.
func measureWait(conns int, block bool) ([]loop.Figure, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cpus, err := pin.CPUs(2)
	if err != nil {
		return nil, err
	}
	server := []string{self, childMeasure}
	if len(cpus) > 0 {
		server = []string{self, childPin, joinCPUs(cpus[1:]), self, childMeasure}
		if err := pin.Self(cpus[:1]); err != nil {
			return nil, err
		}
	}
	return loop.Wait(server, conns, block)
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
