package schema

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say how files are read.
type Options struct {
	// Defines are values of names, as #define gives them.
	Defines map[string]string
	// Dirs are where included files are looked for, after the folder of the file that
	// includes them.
	Dirs []string
	// Imports are the import paths of the Go packages that have the code of included files.
	Imports map[string]string
	// Read reads a file; nil stands for [os.ReadFile].
	Read func(path string) ([]byte, error)
}

// A run reads files that belong together.
type run struct {
	options Options
	defines map[string]*define
	files   map[string]*File // by their clean paths
	order   []*File
	errors  Errors
	// missing are the included files that were not found.
	missing []string
	// used are the included files that Imports names.
	used map[string]bool
}

// Load reads the files at paths, and those that they include. The error is [Errors], or why
// a file at one of the paths could not be read.
func Load(paths []string, options *Options) (*Schema, error) {
	r := &run{defines: make(map[string]*define), files: make(map[string]*File), used: make(map[string]bool)}
	if options != nil {
		r.options = *options
	}
	if r.options.Read == nil {
		r.options.Read = os.ReadFile
	}
	for name, value := range r.options.Defines {
		r.defines[name] = &define{value: value}
	}
	s := new(Schema)
	for _, path := range paths {
		file, err := r.load(path)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.Files, file) {
			continue
		}
		s.Files = append(s.Files, file)
	}
	for _, name := range slices.Sorted(maps.Keys(r.options.Imports)) {
		if !r.used[name] {
			return nil, errors.New(name + " has an import path, but is not included")
		}
	}
	for _, file := range r.order {
		if !slices.Contains(s.Files, file) {
			s.Included = append(s.Included, file)
		}
	}
	r.check()
	if err := r.errors.result(); err != nil {
		return nil, err
	}
	return s, nil
}

// load reads a file, unless it was.
func (r *run) load(path string) (*File, error) {
	key := filepath.Clean(path)
	if file := r.files[key]; file != nil {
		return file, nil
	}
	text, err := r.options.Read(path)
	if err != nil {
		return nil, err
	}
	file := &File{Path: path}
	r.files[key] = file
	r.order = append(r.order, file)
	r.parse(file, string(text))
	return file, nil
}

// include reads the file that another includes by name.
func (r *run) include(from, name string, at Pos) {
	for _, schema := range schemaNames(name) {
		for _, dir := range append([]string{filepath.Dir(from)}, r.options.Dirs...) {
			file, err := r.load(filepath.Join(dir, filepath.FromSlash(schema)))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				r.errors.add(at, "%v", err)
				return
			}
			for _, n := range []string{name, schema} {
				if path := r.options.Imports[n]; path != "" {
					file.ImportPath = path
					r.used[n] = true
				}
			}
			return
		}
	}
	if strings.HasSuffix(name, ".rpc") {
		r.errors.add(at, "%s is not found", name)
		return
	}
	r.missing = append(r.missing, name)
}

// schemaNames returns the names of the files from which what is included may have been made:
// C includes x.gen.h, which comes from x.rpc.
func schemaNames(name string) []string {
	if strings.HasSuffix(name, ".rpc") {
		return []string{name}
	}
	base, ok := strings.CutSuffix(name, ".h")
	if !ok {
		return nil
	}
	short, generated := strings.CutSuffix(base, ".gen")
	if generated {
		return []string{short + ".rpc", base + ".rpc"}
	}
	return []string{base + ".rpc"}
}
