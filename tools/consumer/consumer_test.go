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

const root = "github.com/go-libevent/libevent/"

// A program that imports only core/event pulls in core and x/sys, and nothing
// else, not even into the module graph.
func TestConsumerOfEventNeedsCoreAndSysOnly(t *testing.T) {
	c := newConsumer(t, program, "core")
	got := strings.Fields(c.run("go", "list", "-m", "-f", "{{.Path}}", "all"))
	want := []string{"consumer", root + "core", "golang.org/x/sys"}
	if !slices.Equal(got, want) {
		t.Errorf("the module graph is %v, want %v", got, want)
	}
	if out := c.run("go", "run", "."); !strings.Contains(out, "fired") {
		t.Errorf("the program printed %q, want %q", out, "fired")
	}
}

// The other modules come one by one: what is compiled into a program that uses one
// of them is that, core, and the libraries that it is made of.
func TestConsumersOfOneModuleGetNoOther(t *testing.T) {
	for _, tt := range []struct {
		path      string
		libraries []string
		also      []string // modules that its own requires
	}{
		{"pthreads", []string{"golang.org/x/sys"}, nil},
		{"extra/evtag", []string{"golang.org/x/sys"}, nil},
		{"openssl/evtls", []string{"golang.org/x/sys"}, nil},
		{"openssl/evcert", []string{"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text"}, nil},
		{"dns/evdns", []string{"github.com/miekg/dns", "golang.org/x/net", "golang.org/x/sys"}, nil},
		{"http/evhttp", []string{"golang.org/x/net", "golang.org/x/sys", "golang.org/x/text"}, nil},
		{"rpc/evrpc", []string{root + "http", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text"}, []string{"extra", "http"}},
	} {
		module, _, _ := strings.Cut(tt.path, "/")
		t.Run(tt.path, func(t *testing.T) {
			c := newConsumer(t, "package main\n\nimport _ \""+root+tt.path+"\"\n\nfunc main() {}\n", append([]string{"core", module}, tt.also...)...)
			got := strings.Fields(c.run("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
			slices.Sort(got)
			got = slices.Compact(got)
			want := append([]string{"consumer", root + "core", root + module}, tt.libraries...)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("a program is made of %v, want %v", got, want)
			}
		})
	}
}

// consumer is a module of its own in an empty folder.
type consumer struct {
	t      *testing.T
	folder string
}

// newConsumer makes one with a program that needs modules of this repository.
func newConsumer(t *testing.T, program string, modules ...string) *consumer {
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file := "module consumer\n\ngo 1.26.0\n"
	for _, m := range modules {
		file += "\nrequire " + root + m + " v0.1.0\n\nreplace " + root + m + " => " + filepath.Join(tree, m) + "\n"
	}
	c := &consumer{t, t.TempDir()}
	c.write("main.go", program)
	c.write("go.mod", file)
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
