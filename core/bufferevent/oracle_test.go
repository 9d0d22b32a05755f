package bufferevent_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	oracleRounds = flag.Int("oracle.rounds", 1000, "random scripts to compare with C libevent")
	oracleSeed   = flag.Uint64("oracle.seed", 1, "seed of the first script")
)

const oracleSteps = 60 // operations in a random script

// TestSameAsC performs random scripts with pairs and filters here and in
// libevent, and compares what every operation has done: the callbacks and
// filters that ran, in order, with the lengths of the buffers at that time.
func TestSameAsC(t *testing.T) {
	oracle := buildOracle(t)
	m := newMachine(t)
	for i := range *oracleRounds {
		r := rand.New(rand.NewPCG(*oracleSeed+uint64(i), 0))
		m.setUp(r)
		for range oracleSteps {
			m.step(m.choose(r))
		}
		m.step("reset")
	}
	compareWithC(t, oracle, m)
}

// TestScriptsSameAsC does the same with scripts that show one thing each. See
// testdata/scripts.
func TestScriptsSameAsC(t *testing.T) {
	oracle := buildOracle(t)
	files, err := filepath.Glob("testdata/scripts/*.txt")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("there are no scripts")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			ok(t, err)
			m := newMachine(t)
			for line := range strings.Lines(string(script)) {
				line, _, _ = strings.Cut(line, "#")
				if line = strings.TrimSpace(line); line != "" {
					m.step(line)
				}
			}
			m.step("reset")
			if strings.Contains(m.transcript.String(), " -") {
				t.Fatalf("an operation is skipped:\n%s", m.transcript.String())
			}
			compareWithC(t, oracle, m)
		})
	}
}

// buildOracle compiles the program that does the same in C.
func buildOracle(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	var out []byte
	cc, err := exec.LookPath(cc)
	if err == nil {
		oracle := filepath.Join(t.TempDir(), "oracle")
		out, err = exec.Command(cc, "-O1", "-o", oracle, "testdata/oracle.c", "-levent_core").CombinedOutput()
		if err == nil {
			return oracle
		}
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}

// compareWithC has the oracle perform the machine's script, and reports the
// first operation that went another way.
func compareWithC(t *testing.T, oracle string, m *machine) {
	t.Helper()
	cmd := exec.Command(oracle)
	cmd.Stdin = &m.script
	theirs, err := cmd.CombinedOutput()
	our, their := lines(&m.transcript), lines(bytes.NewBuffer(theirs))
	for i, line := range our {
		other := "(it has ended)"
		if i < len(their) {
			other = their[i]
		}
		if line == other {
			continue
		}
		start := i
		for start > 0 && !strings.Contains(our[start-1], " reset:") {
			start--
		}
		t.Fatalf("%s\nGo: %s\nC:  %s", strings.Join(our[start:i], "\n"), line, other)
	}
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	t.Logf("%d operations, all the same", len(our))
}

func lines(b *bytes.Buffer) []string { return strings.Split(b.String(), "\n") }
