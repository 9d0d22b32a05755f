package golang

import (
	"bytes"
	"fmt"
	"go/format"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/tools/evrpcgen/internal/schema"
)

// Config says how code is written.
type Config struct {
	// Package is the name of the package.
	Package string
	// MaxDepth, MaxMessage and MaxMemory are the limits of Unmarshal, those of evtag's
	// ParserConfig. Zero stands for its defaults.
	MaxDepth, MaxMessage, MaxMemory int
}

// limits returns the fields of a ParserConfig that is not the default, or "".
func (c Config) limits() string {
	var fields []string
	for _, f := range []struct {
		name  string
		value int
	}{{"MaxDepth", c.MaxDepth}, {"MaxMessage", c.MaxMessage}, {"MaxMemory", c.MaxMemory}} {
		if f.value != 0 {
			fields = append(fields, fmt.Sprintf("%s: %d", f.name, f.value))
		}
	}
	return strings.Join(fields, ", ")
}

// A fileView is a file of Go.
type fileView struct {
	Config   Config
	From     string
	Imports  []importView
	Consts   []constView
	Messages []*messageView
	RPCs     []rpcView
}

type importView struct{ Name, Path string }

type constView struct {
	Go, C string
	Value int64
}

type rpcView struct{ Go, C, Doc, Request, Reply string }

// Write returns the code of some files of a schema, as one file of Go.
func Write(s *schema.Schema, files []*schema.File, config Config) ([]byte, error) {
	w := &writer{schema: s, config: config, names: make(map[string]string)}
	view := fileView{Config: config, From: sources(files)}
	for _, file := range files {
		for _, c := range usedConsts(s, file) {
			view.Consts = append(view.Consts, constView{camel(c.Name), c.Name, c.Value})
		}
		for _, m := range file.Structs {
			view.Messages = append(view.Messages, w.message(m))
		}
		for _, r := range file.RPCs {
			view.RPCs = append(view.RPCs, rpcView{camel(r.Name), r.Name, r.Doc, w.typeName(r.Request), w.typeName(r.Reply)})
		}
	}
	view.Imports = w.imports
	var out bytes.Buffer
	if err := code.Execute(&out, view); err != nil {
		return nil, err
	}
	text, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("generated code: %w\n%s", err, out.Bytes())
	}
	return text, nil
}

// sources names the files that code comes from.
func sources(files []*schema.File) string {
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file.Path))
	}
	return strings.Join(names, ", ")
}

// A writer has what is known of the file that is written.
type writer struct {
	schema  *schema.Schema
	config  Config
	imports []importView
	names   map[string]string // of imported packages, by their paths
}

// typeName returns the name of the type of a message, and imports its package.
func (w *writer) typeName(s *schema.Struct) string {
	path := s.File.ImportPath
	if path == "" {
		return camel(s.Name)
	}
	name, ok := w.names[path]
	if !ok {
		name = w.importName(path)
		w.names[path] = name
		w.imports = append(w.imports, importView{name, path})
	}
	return name + "." + camel(s.Name)
}

// reserved are the names that a package must not be imported by: those that the code uses.
var reserved = []string{
	"evtag", "evbuffer", "evrpc", "context", "m", "n", "r", "v", "c", "s", "p", "fn", "in", "out", "err", "cfg", "ctx",
	"dst", "field", "depth", "space", "done", "request", "reply", "outside", "append", "clear", "error", "int", "len", "nil",
	"string", "bool", "byte", "uint32", "uint64", "true", "false", "init", "main",
}

// importName returns a name for a package, which is not taken.
func (w *writer) importName(path string) string {
	parts := strings.Split(path, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		last = parts[len(parts)-2]
	}
	name := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(last))
	if name == "" || name[0] <= '9' || slices.Contains(reserved, name) {
		name = "rpc" + name
	}
	taken := make(scope)
	for _, i := range w.imports {
		taken.add(i.Name)
	}
	for !taken.add(name) {
		name += "_"
	}
	return name
}
