package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-libevent/libevent/tools/evrpcgen/internal/golang"
	"github.com/go-libevent/libevent/tools/evrpcgen/internal/schema"
)

// The exit statuses of the command.
const (
	exitOK       = 0
	exitProblems = 1
	exitUsage    = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// settings are what the command line says.
type settings struct {
	output  string
	config  golang.Config
	options schema.Options
	files   []string
}

// run is the command without its process: it returns the exit status.
func run(args []string, stderr io.Writer) int {
	s, err := parseArgs(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if err := s.generate(); err != nil {
		report(err, stderr)
		return exitProblems
	}
	return exitOK
}

// report prints an error, and the places of those that have some.
func report(err error, stderr io.Writer) {
	var places schema.Errors
	if !errors.As(err, &places) {
		_, _ = fmt.Fprintln(stderr, "evrpcgen:", err) // there is no other output for errors
		return
	}
	_, _ = fmt.Fprintln(stderr, places) // there is no other output for errors
}

// parseArgs reads the command line. What is wrong with it is printed.
func parseArgs(args []string, stderr io.Writer) (*settings, error) {
	s := &settings{options: schema.Options{Defines: make(map[string]string), Imports: make(map[string]string)}}
	flags := flag.NewFlagSet("evrpcgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.config.Package, "package", "", "`name` of the package (default: $GOPACKAGE, or the folder's name)")
	flags.StringVar(&s.output, "o", "", "`file` for the code of all files (default: one for each, x.rpc.go beside x.rpc)")
	flags.Func("D", "`name[=value]` to define, 1 by default; may be repeated", s.define)
	flags.Func("I", "`folder` to look for included files in; may be repeated", s.folder)
	flags.Func("M", "`file=path`: the import path of the package with the code of an included file; may be repeated", s.importPath)
	flags.IntVar(&s.config.MaxDepth, "max-depth", 0, "how many `levels` messages are decoded within messages (default: evtag's; negative: none)")
	flags.IntVar(&s.config.MaxMessage, "max-message", 0, "how many `bytes` a message may have (default: evtag's)")
	flags.IntVar(&s.config.MaxMemory, "max-memory", 0, "how many `bytes` of memory a message may take (default: evtag's)")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: evrpcgen [flags] file.rpc...") // there is no other output for errors
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	s.files = flags.Args()
	if len(s.files) == 0 {
		flags.Usage()
		return nil, errors.New("no files")
	}
	return s, nil
}

func (s *settings) define(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if name == "" {
		return errors.New("a name is missing")
	}
	if !ok {
		value = "1"
	}
	s.options.Defines[name] = value
	return nil
}

func (s *settings) folder(text string) error {
	s.options.Dirs = append(s.options.Dirs, text)
	return nil
}

func (s *settings) importPath(text string) error {
	file, path, _ := strings.Cut(text, "=")
	if file == "" || path == "" {
		return errors.New("want file=path")
	}
	s.options.Imports[file] = path
	return nil
}

// generate reads the files and writes the code. Nothing is written after an error in a file.
func (s *settings) generate() error {
	read, err := schema.Load(s.files, &s.options)
	if err != nil {
		return err
	}
	if err := golang.Check(read); err != nil {
		return err
	}
	groups := map[string][]*schema.File{s.output: read.Files}
	order := []string{s.output}
	if s.output == "" {
		groups, order = separate(read.Files)
	}
	codes := make([][]byte, len(order))
	for i, output := range order {
		config := s.config
		if config.Package == "" {
			config.Package = packageName(output)
		}
		if codes[i], err = golang.Write(read, groups[output], config); err != nil {
			return err
		}
	}
	for i, output := range order {
		if err := os.WriteFile(output, codes[i], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// separate gives each file an output of its own.
func separate(files []*schema.File) (map[string][]*schema.File, []string) {
	groups := make(map[string][]*schema.File)
	var order []string
	for _, file := range files {
		output := file.Path + ".go"
		groups[output] = []*schema.File{file}
		order = append(order, output)
	}
	return groups, order
}

// packageName returns the name of the package that a file is in, unless it is told.
func packageName(output string) string {
	if name := os.Getenv("GOPACKAGE"); name != "" {
		return name
	}
	dir, err := filepath.Abs(filepath.Dir(output))
	if err != nil {
		return "main"
	}
	name := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(filepath.Base(dir)))
	if name == "" || name[0] <= '9' {
		return "main"
	}
	return name
}
