package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	withFaults = flag.Bool("faults", false, "put the faults of the table back, which takes hours")
	onlyFaults = flag.String("fault", "", "put only those back whose names match this `regexp`")
)

const (
	faultSeeds = 2000             // how many are tried of each topic, unless -seeds says otherwise
	breakLimit = 40 * time.Second // what a test takes at most that is to fail
	processes  = 2                // at a time
)

// rounds are how the seeds of all topics are tried: the first ones of each, then some
// more of each, and so on, as most faults are found soon by one of them. A round of a
// topic takes limit at most, since a fault may have it hang.
var rounds = []struct {
	upTo  int
	limit time.Duration
}{
	{30, time.Minute},
	{300, 3 * time.Minute},
	{faultSeeds, 15 * time.Minute},
}

// isTopic tells the scenarios from other tests of the package.
var isTopic = regexp.MustCompile(`^Test(Loops|Sockets|Conns|Filters|Listeners|ListenersOfOnePort|TLS|TLSGoroutines|TLSSessions|Resolver|DNSServer|HTTP|HTTPS|Proxies|NetHTTP|Headers|RPC|Compressed)$`)

// chosenFaults returns the faults that are to be put back.
func chosenFaults(t *testing.T) (chosen []fault) {
	t.Helper()
	if !*withFaults {
		t.Skip("takes hours: asked for with -faults")
	}
	only, err := regexp.Compile(*onlyFaults)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if only.MatchString(f.name) {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// overlay writes the patched files to a folder of the test, and what go build is told of
// them, whose path it returns.
func (f *fault) overlay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	replace := make(map[string]string)
	for name, text := range f.files(t) {
		original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		patched := filepath.Join(dir, strings.ReplaceAll(name, "/", "__"))
		write(t, patched, []byte(text))
		replace[original] = patched
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	write(t, path, data)
	return path
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFaultsBreakTheirTests runs the tests that the table names, which pass, and fail
// with the fault.
func TestFaultsBreakTheirTests(t *testing.T) {
	passed := make(map[string]bool)
	for _, f := range chosenFaults(t) {
		t.Run(f.name, func(t *testing.T) {
			if key := f.pkg + " " + f.test; !passed[key] {
				if out, err := f.runTest(""); err != nil {
					t.Fatalf("%s fails without a fault:\n%s", f.test, out)
				}
				passed[key] = true
			}
			switch out, err := f.runTest(f.overlay(t)); {
			case err == nil:
				t.Errorf("%s passes", f.test)
			case !testFailed.MatchString(out):
				t.Errorf("%s was not run:\n%s", f.test, out)
			}
		})
	}
}

// testFailed is what the output says of a test that has failed, or hangs.
var testFailed = regexp.MustCompile(`(?m)^\s*--- FAIL: |^panic: test timed out|^panic: |^fatal error: `)

func (f *fault) runTest(overlay string) (output string, err error) {
	args := []string{"test", "-vet=off", "-count=1", "-timeout", breakLimit.String(), "-run", "^" + f.test + "$"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(f.pkg))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A finding is what has become of a run of scenarios.
type finding struct {
	topic string // the test that has failed; "" if none has
	seed  string // with which it has; "" if its output does not say
	took  time.Duration
	out   string
}

// TestFaultsAreFound runs the scenarios with one fault after the other, until one
// scenario fails. Without a fault none must.
func TestFaultsAreFound(t *testing.T) {
	chosen := chosenFaults(t)
	seeds := faultSeeds
	if f := flag.Lookup("seeds"); f != nil && f.Value.String() != "0" {
		seeds = f.Value.(flag.Getter).Get().(int)
	}
	plain := buildScenarios(t, "")
	topics := topicsOf(t, plain)
	if len(topics) == 0 {
		t.Fatal("there is no scenario")
	}
	t.Logf("topics %v, %d seeds each", topics, seeds)
	if got := try(plain, topics, seeds); got.topic != "" {
		t.Fatalf("%s fails without a fault, with seed %s:\n%s", got.topic, got.seed, tail(got.out))
	}
	found, failed := 0, false
	for _, f := range chosen {
		t.Run(f.name, func(t *testing.T) {
			got := try(buildScenarios(t, f.overlay(t)), topics, seeds)
			switch {
			case got.topic == "" && f.unfound == "":
				t.Errorf("%s (%s) was not found by %d seeds, in %v", f.name, f.section, seeds, got.took)
				failed = true
			case got.topic == "":
				t.Logf("%s (%s) was not found: %s", f.name, f.section, f.unfound)
			case f.unfound != "":
				t.Errorf("%s (%s) is marked as not found, but %s finds it with seed %s", f.name, f.section, got.topic, got.seed)
				failed = true
				found++
			default:
				t.Logf("%s (%s) was found by %s, with seed %s, in %v", f.name, f.section, got.topic, got.seed, got.took)
				found++
			}
		})
	}
	t.Logf("%d of %d faults were found", found, len(chosen))
	if failed {
		t.Log("a fault that no seed shows is one that the scenarios do not exercise, or nobody checks")
	}
}

// buildScenarios builds the tests of this package, and returns their path.
func buildScenarios(t *testing.T, overlay string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(t.TempDir(), "scenarios.test"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "-c", "-vet=off", "-o", path}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return path
}

// topicsOf returns the tests that are scenarios.
func topicsOf(t *testing.T, path string) (topics []string) {
	t.Helper()
	out, err := exec.Command(path, "-test.list", "^Test").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if isTopic.MatchString(name) {
			topics = append(topics, name)
		}
	}
	return topics
}

// try runs topics, round by round, until one of them fails.
func try(path string, topics []string, seeds int) (first finding) {
	began, tried := time.Now(), 0
	for _, round := range rounds {
		upTo := min(round.upTo, seeds)
		if round.upTo == faultSeeds {
			upTo = seeds
		}
		if first = tryRound(path, topics, tried, upTo, round.limit); first.topic != "" {
			break
		}
		tried = upTo
	}
	first.took = time.Since(began).Round(time.Second)
	return first
}

// tryRound runs topics with the seeds after those that were tried, some topics at a
// time, until one of them fails.
func tryRound(path string, topics []string, tried, upTo int, limit time.Duration) (first finding) {
	if tried >= upTo {
		return first
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	slots := make(chan struct{}, processes)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, topic := range topics {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			got := runTopic(ctx, path, topic, limit, "-seed", fmt.Sprint(tried+1), "-seeds", fmt.Sprint(upTo-tried))
			if mu.Lock(); got.topic != "" && first.topic == "" {
				first = got
				cancel()
			}
			mu.Unlock()
		})
	}
	all.Wait()
	return first
}

func runTopic(ctx context.Context, path, topic string, limit time.Duration, seeds ...string) (got finding) {
	var out bytes.Buffer
	args := append([]string{"-test.run", "^" + topic + "$", "-test.v", "-test.timeout", limit.String(), "-world.shrink=false"}, seeds...)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return got
	}
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		return finding{topic: topic, seed: "none", out: fmt.Sprint(err)}
	}
	return finding{topic: topic, seed: failingSeed(out.String()), out: out.String()}
}

var (
	seedToRepeat = regexp.MustCompile(`-seed (\d+)`)
	seedThatRuns = regexp.MustCompile(`=== RUN +\S+/seed=(\d+)`)
)

// failingSeed returns the seed that a scenario has failed with: it says how to run that
// again, unless the process has ended by a panic, with the seed that was running then.
// As seeds are tried from 1 on, it is also how many were tried.
func failingSeed(out string) string {
	if m := seedToRepeat.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	if all := seedThatRuns.FindAllStringSubmatch(out, -1); len(all) > 0 {
		return all[len(all)-1][1]
	}
	return "unknown"
}

// tail returns the last of an output.
func tail(out string) string {
	const most = 4000
	return out[max(0, len(out)-most):]
}

func TestFaultsNameTheSeed(t *testing.T) {
	const running = "=== RUN   TestHTTP\n=== RUN   TestHTTP/seed=1\n=== RUN   TestHTTP/seed=2\n"
	for name, test := range map[string]struct{ out, want string }{
		"a failure": {running + "    to run it again: go test -run '^TestHTTP$' -seed 2\n", "2"},
		"a panic":   {running + "panic: deadlock\n", "2"},
		"neither":   {"panic: out of memory\n", "unknown"},
	} {
		if got := failingSeed(test.out); got != test.want {
			t.Errorf("%s: seed %s, want %s", name, got, test.want)
		}
	}
}

// .ci/simulate runs the scenarios that faults are tried on.
func TestTheTopicsAreThoseOfTheScript(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, ".ci", "simulate"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(script, []byte(isTopic.String())) {
		t.Errorf(".ci/simulate has other topics than %v", isTopic)
	}
}
