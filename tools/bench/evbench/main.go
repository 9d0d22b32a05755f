package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/resolver"
)

// The exit statuses of the command. The last is that of a child whose workload
// cannot be run on this machine, on the C side, too.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitUnable = 3
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command without its process: it returns the exit status. Children
// are recognised by their first argument.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case childMeasure:
			return runMeasure(args[1:], stdout, stderr)
		case childPin:
			return runPin(args[1:], stderr)
		case childServe:
			return runServe(args[1:], os.Stdin, stdout, stderr)
		case childFlood:
			return runFlood(args[1:], os.Stdin, stdout, stderr)
		case childResolve:
			return runResolver(resolver.Resolve, args[1:], stdout, stderr)
		case childHold:
			return runResolver(resolver.Hold, args[1:], stdout, stderr)
		}
	}
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "evbench:", err)
		return exitFailed
	}
	return exitOK
}

// options is what the command line asks for.
type options struct {
	suites   []suite
	sides    []string // names; all if there are none
	rounds   int
	time     time.Duration
	markdown string // file, or empty
	svg      string // file, or empty
}

// parseOptions reads the command line. It has reported its error.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("evbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("suite", "loop", "comma-separated `names` of suites: loop (the event loop), net (servers), tls (servers that speak TLS), dns (DNS servers and resolvers), "+suiteNames())
	sides := flags.String("sides", "", "comma-separated `names` of sides to measure (default all): "+strings.Join(sideNames(), ", "))
	flags.IntVar(&o.rounds, "rounds", 5, "number `n` of rounds")
	flags.DurationVar(&o.time, "time", time.Second, "`duration` of a measurement whose length is free")
	flags.StringVar(&o.markdown, "md", "", "write the tables as Markdown to `file`")
	flags.StringVar(&o.svg, "svg", "", "write a plot of the ratios to `file`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var unknown [2]error
	o.suites, unknown[0] = findSuites(*names)
	o.sides, unknown[1] = findSides(*sides)
	err := errors.Join(unknown[:]...)
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1:
		err = fmt.Errorf("%d rounds, want at least one", o.rounds)
	case o.time < time.Millisecond:
		err = fmt.Errorf("a time of %v, want at least 1 ms", o.time)
	}
	if err != nil {
		fmt.Fprintln(stderr, "evbench:", err)
		flags.Usage()
	}
	return o, err
}

// bench runs the suites and writes the reports. What could be measured is
// reported even if something else failed.
func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "evbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r := runner{self: self, sides: o.sides, rounds: o.rounds, time: o.time, log: stderr, peers: make(map[peerKind]cpeer.Peer)}
	if err := r.buildPeers(ctx, dir, o.suites); err != nil {
		return err
	}
	result := report.Report{About: about(o)}
	var failures []error
	for _, s := range o.suites {
		tables, err := r.runSuite(ctx, s)
		if err != nil {
			failures = append(failures, err)
		}
		result.Tables = append(result.Tables, tables...)
	}
	failures = append(failures, writeReports(result, o, stdout))
	return errors.Join(failures...)
}

// buildPeers compiles the C peers that are sides of the suites, or says which of
// them cannot be measured.
func (r *runner) buildPeers(ctx context.Context, dir string, all []suite) error {
	for _, kind := range peerKinds(all) {
		peer, err := buildPeer[kind](ctx, dir)
		if errors.Is(err, cpeer.ErrMissing) {
			fmt.Fprintln(r.log, "evbench: skipped:", err)
			continue
		}
		if err != nil {
			return err
		}
		r.peers[kind] = peer
	}
	return nil
}

// about describes the machine and the way of measuring.
func about(o options) string {
	return fmt.Sprintf("%s %s/%s, %d processors, rounds: %d, time: %v",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.rounds, o.time)
}

// writeReports writes the result in all the forms that were asked for.
func writeReports(result report.Report, o options, stdout io.Writer) error {
	err := result.WriteText(stdout)
	if o.markdown != "" {
		err = errors.Join(err, writeFile(o.markdown, result.WriteMarkdown))
	}
	if o.svg != "" {
		err = errors.Join(err, writeFile(o.svg, result.WriteSVG))
	}
	return err
}

// writeFile makes a file of what write writes.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
