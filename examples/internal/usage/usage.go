// Package usage says how a program that takes arguments is called.
package usage

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Set has -h, and calls of flag.Usage, print the ways to call the program,
// what there is to know about the arguments, and the flags, if there are any.
// Each way is what follows the program's name.
func Set(about string, ways ...string) {
	flag.Usage = func() {
		out := flag.CommandLine.Output()
		_, _ = fmt.Fprint(out, text(filepath.Base(os.Args[0]), about, ways)) // there is no other output for errors
		flag.PrintDefaults()
	}
}

// text is all but the flags.
func text(name, about string, ways []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage of %s:\n", name)
	for _, way := range ways {
		fmt.Fprintf(&b, "  %s %s\n", name, way)
	}
	b.WriteString(about + "\n")
	return b.String()
}
