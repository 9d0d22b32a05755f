package consumer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const program = `package main

import "github.com/go-libevent/libevent/core/event"

func main() {
	base, err := event.NewBase()
	if err != nil {
		panic(err)
	}
	defer base.Free()
	base.Once(-1, event.Timeout, 0, func(*event.Event, event.What) { println("fired") })
	if err := base.Dispatch(); err != nil {
		panic(err)
	}
}
`

const core = "github.com/go-libevent/libevent/core"

// A program that imports only core/event pulls in core and x/sys, and nothing
// else.
func TestConsumerOfEventNeedsCoreAndSysOnly(t *testing.T) {
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := newConsumer(t, tree, program)

	got := strings.Fields(c.run("go", "list", "-m", "-f", "{{.Path}}", "all"))
	want := []string{"consumer", core, "golang.org/x/sys"}
	if !slices.Equal(got, want) {
		t.Errorf("the module graph is %v, want %v", got, want)
	}
	if out := c.run("go", "run", "."); !strings.Contains(out, "fired") {
		t.Errorf("the program printed %q, want %q", out, "fired")
	}
}

// consumer is a module of its own in an empty folder.
type consumer struct {
	t      *testing.T
	folder string
}

func newConsumer(t *testing.T, tree, program string) *consumer {
	c := &consumer{t, t.TempDir()}
	c.write("main.go", program)
	c.write("go.mod", "module consumer\n\ngo 1.26.0\n\n"+
		"require "+core+" v0.1.0\n\n"+
		"replace "+core+" => "+filepath.Join(tree, "core")+"\n")
	c.run("go", "mod", "tidy")
	return c
}

func (c *consumer) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run runs a command outside of any workspace and returns what it prints.
func (c *consumer) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
