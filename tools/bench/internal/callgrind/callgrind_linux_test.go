package callgrind

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// program is the source of a program that runs a loop between two functions, and
// another one before.
const program = `package main

var sum int

//go:noinline
func begin() { sum++ }

//go:noinline
func end() { sum-- }

//go:noinline
func work(n int) {
	for i := range n {
		sum += i * sum
	}
}

func main() {
	work(500_000)
	begin()
	work(1_000_000)
	end()
}
`

func TestInstructionsBetweenTwoFunctionsAreCounted(t *testing.T) {
	counter, err := New()
	if errors.Is(err, measure.ErrUnable) && os.Getenv("LIBEVENT_TEST_PEERS") != "require" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	source, compiled := t.TempDir()+"/main.go", t.TempDir()+"/main"
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", compiled, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	line := counter.Command("main.begin", "main.end", compiled)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), Environment)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	n, err := counter.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	const turns, least, most = 1_000_000, 3, 10 // instructions of a turn
	if n < least*turns || n > most*turns {
		t.Errorf("%d instructions of a loop of %d turns", n, turns)
	}
}

func TestProcessThatNeverBeginsHasNoCount(t *testing.T) {
	counter := Counter{dir: t.TempDir()}
	if n, err := counter.Instructions(); err == nil {
		t.Errorf("%d instructions of nothing", n)
	}
}
