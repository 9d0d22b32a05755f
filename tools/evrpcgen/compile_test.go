package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A consumer is a module of its own, whose packages evrpcgen has written code for.
type consumer struct {
	t   *testing.T
	dir string
}

// newConsumer makes one in an empty folder, which becomes the working directory.
func newConsumer(t *testing.T) *consumer {
	t.Helper()
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file := "module consumer\n\ngo 1.26.0\n"
	for _, module := range []string{"core", "extra", "http", "rpc"} {
		const root = "github.com/go-libevent/libevent/"
		file += "\nrequire " + root + module + " v0.1.0\n\nreplace " + root + module + " => " + filepath.ToSlash(filepath.Join(tree, module)) + "\n"
	}
	c := &consumer{t, t.TempDir()}
	t.Chdir(c.dir)
	t.Setenv("GOPACKAGE", "")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	generateOK(t, map[string]string{"go.mod": file})
	return c
}

// generateOK writes files, and runs the command if there are arguments.
func generateOK(t *testing.T, files map[string]string, args ...string) {
	t.Helper()
	if len(args) == 0 {
		args = []string{"-h"}
	}
	if status, text := generate(t, files, args...); status != exitOK {
		t.Fatal(text)
	}
}

func (c *consumer) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	cmd.Env = os.Environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// strange has names that are others' in Go.
const strange = `
#include "common.gen.h"
#define SIZE 4
/* Strange has names that are others' in Go. */
struct strange {
	int reset = 1;
	int complete = 2;
	optional string append_to = 3;
	array int unmarshal = 4;
	optional struct[strange] parse_field = 5;
	array struct[strange] missing = 6;
	int x = 7;
	int has_x = 8;
	int set_x = 9;
	int clear_x = 10;
	int type = 11;
	int func = 12;
	int _1 = 13;
	int m = 14;
	bytes string[SIZE] = 15;
	bytes len[0] = 16;
	optional struct[strange] y = 17;
	optional int mutable_y = 18;
	array struct[common] z = 19;
	array string add_z = 20;
	array string add_new_z = 21;
	struct[common] r = 22; // its comment */
	int X = 23;
	optional int64 error = 24;
	optional bytes nil = 0xffffffff;
}
struct empty {
}
struct a { optional struct[b] b = 1; array struct[common] c = 2; }
struct b { array struct[a] a = 1; }
//rpc Go(strange) returns (common);
//rpc go_on(empty) returns (empty);
`

const program = `package main

import (
	"fmt"

	"consumer/strange"
	"consumer/common"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

var _ = []evrpc.Message{new(strange.Strange), new(strange.Empty), new(strange.A), new(strange.B), new(common.Common)}

func main() {
	var a, b strange.A
	var c common.Common
	c.SetText("hello")
	a.MutableB().AddNewA().AddC(&c)
	buffer := evbuffer.New()
	fmt.Println(a.AppendTo(buffer), b.Unmarshal(buffer), b.B().A()[0].C()[0].Text())
}
`

// TestCodeOfStrangeNamesCompiles builds and vets what there is no lack of in C: names that
// mean something in Go, includes from other packages, recursion by way of others.
func TestCodeOfStrangeNamesCompiles(t *testing.T) {
	c := newConsumer(t)
	generateOK(t, map[string]string{"common/common.rpc": "struct common { string text = 1; }\n"}, "common/common.rpc")
	generateOK(t, map[string]string{"strange/strange.rpc": strange, "main.go": program}, "-I", "common", "-M", "common.gen.h=consumer/common", "strange/strange.rpc")
	c.run("go", "mod", "tidy")
	c.run("go", "vet", "./...")
	if out := c.run("gofmt", "-l", "."); strings.Contains(out, "rpc.go") {
		t.Errorf("gofmt would change %s", out)
	}
	if out := c.run("go", "run", "."); !strings.Contains(out, "<nil> <nil> hello") {
		t.Error(out)
	}
}
