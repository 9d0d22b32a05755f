package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/cpeer"
	"github.com/go-libevent/libevent/tools/bench/internal/report"
	"github.com/go-libevent/libevent/tools/bench/internal/resolver"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
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
		case childAsk:
			return runAsk(args[1:], os.Stdin, stdout, stderr)
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

	count    bool     // count the work of two versions
	compare  bool     // compare the times of two versions
	versions []string // the old and the new one: checkouts or revisions
	width    float64  // of the interval that ends a comparison
	most     int      // rounds of a comparison
	seed     uint64   // of its order
}

// parseOptions reads the command line. It has reported its error.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("evbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("suite", "loop", "comma-separated `names` of suites: loop (the event loop), net (servers), http (servers and clients of HTTP), rpc (servers and clients of RPC), tls (servers that speak TLS), dns (DNS servers and resolvers), "+suiteNames())
	sides := flags.String("sides", "", "comma-separated `names` of sides to measure (default all): "+strings.Join(sideNames(), ", "))
	flags.IntVar(&o.rounds, "rounds", 5, "number `n` of rounds; with -count 2 unless this flag is given")
	flags.DurationVar(&o.time, "time", time.Second, "`duration` of a measurement whose length is free")
	flags.StringVar(&o.markdown, "md", "", "write the tables as Markdown to `file`")
	flags.StringVar(&o.svg, "svg", "", "write a plot of the ratios to `file`")
	flags.BoolVar(&o.count, "count", false, "count instructions, system calls and allocations with two versions: arguments OLD NEW, checkouts or revisions")
	flags.BoolVar(&o.compare, "compare", false, "compare processor times of two versions: arguments OLD NEW, checkouts or revisions")
	flags.Float64Var(&o.width, "width", compareWidth, "with -compare: add rounds until the 95 % interval of a ratio is no wider than `w`")
	flags.IntVar(&o.most, "most", compareMost, "with -compare: no more than `n` rounds for a case")
	flags.Uint64Var(&o.seed, "seed", 0, "with -compare: `seed` of the order in a round (default from the time)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.versions = flags.Args()
	if !given(flags, "rounds") && o.count {
		o.rounds = countRounds
	}
	o.seed = cmp.Or(o.seed, uint64(time.Now().UnixNano()))
	var unknown [2]error
	o.suites, unknown[0] = findSuites(*names)
	o.sides, unknown[1] = findSides(*sides)
	err := errors.Join(unknown[:]...)
	switch {
	case err != nil:
	case o.count && o.compare:
		err = errors.New("-count and -compare exclude each other")
	case (o.count || o.compare) && flags.NArg() != 2:
		err = fmt.Errorf("%d arguments, want the old and the new version", flags.NArg())
	case !o.count && !o.compare && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.width <= 0:
		err = fmt.Errorf("a width of %g, want more than 0", o.width)
	case o.most < stats.MinInterval:
		err = fmt.Errorf("%d rounds at most, want at least %d for an interval", o.most, stats.MinInterval)
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

// given tells whether a flag is on the command line.
func given(flags *flag.FlagSet, name string) bool {
	found := false
	flags.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// bench measures what was asked for and writes the reports. What could be
// measured is reported even if something else failed.
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
	r := &runner{self: self, sides: o.sides, rounds: o.rounds, time: o.time, log: stderr, peers: make(map[peerKind]cpeer.Peer)}
	var result report.Report
	switch {
	case o.count:
		result, err = count(ctx, o, dir, stderr)
	case o.compare:
		result, err = compare(ctx, o, r, dir)
	default:
		result, err = r.runSuites(ctx, o, dir)
	}
	return errors.Join(err, writeReports(result, o, stdout))
}

// runSuites runs the suites that were asked for.
func (r *runner) runSuites(ctx context.Context, o options, dir string) (report.Report, error) {
	if err := r.buildPeers(ctx, dir, o.suites); err != nil {
		return report.Report{}, err
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
	return result, errors.Join(failures...)
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
	rounds := strconv.Itoa(o.rounds)
	if o.compare {
		rounds = "as many as it takes"
	}
	return fmt.Sprintf("%s %s/%s, %d processors, rounds: %s, time: %v",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, o.time)
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
