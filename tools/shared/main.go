package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"text/template"
)

// An output is a file that is made from a template.
type output struct {
	template string // in internal/shared
	path     string // in the repository
	data     any    // what differs
}

// A process is what differs in process_test.go.tmpl.
type process struct {
	Package string
	TempDir string // the expression for a folder of the test
	// Dialogue: tests write to the programs, and look at what they answer.
	Dialogue bool
	// Servers: programs run to their end, or listen at a port.
	Servers bool
}

var outputs = []output{
	{"process_test.go.tmpl", "dns/internal/interop/process_test.go",
		process{Package: "interop", TempDir: "t.TempDir()", Servers: true}},
	{"process_test.go.tmpl", "http/internal/interop/process_test.go",
		process{Package: "interop", TempDir: "t.TempDir()", Servers: true}},
	{"process_test.go.tmpl", "rpc/internal/interop/process_test.go",
		process{Package: "interop", TempDir: "t.TempDir()", Servers: true}},
	{"process_test.go.tmpl", "openssl/evtls/interop_process_test.go",
		process{Package: "evtls_test", TempDir: "tempDir(t)", Dialogue: true}},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("shared: ")
	for _, out := range outputs {
		if err := write("../..", out); err != nil {
			log.Fatal(err)
		}
	}
}

// write makes a file in the repository whose root is given.
func write(root string, out output) error {
	code, err := generate(root, out)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, filepath.FromSlash(out.path)), code, 0o644)
}

// generate returns what a file has to be.
func generate(root string, out output) ([]byte, error) {
	tmpl, err := template.ParseFiles(filepath.Join(root, "internal", "shared", out.template))
	if err != nil {
		return nil, err
	}
	var code bytes.Buffer
	if err := tmpl.Execute(&code, out.data); err != nil {
		return nil, err
	}
	formatted, err := format.Source(code.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", out.path, err)
	}
	return formatted, nil
}
