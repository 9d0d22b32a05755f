package architecture

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Prefix is what the paths of all packages of the repository begin with.
const Prefix = "github.com/go-libevent/libevent/"

// A Package is a package of the repository with its production files.
type Package struct {
	Path  string // without Prefix
	Files []*ast.File
	Types *types.Package
	Info  *types.Info
}

// A Program is a set of packages, each after those that it imports.
type Program struct {
	Fset     *token.FileSet
	Packages []*Package
	checked  map[string]*types.Package
	exported types.Importer
}

// NewProgram returns an empty program whose packages import others by what exported
// finds, unless they are its own.
func NewProgram(exported types.Importer, fset *token.FileSet) *Program {
	return &Program{Fset: fset, checked: make(map[string]*types.Package), exported: exported}
}

// Import implements types.Importer.
func (p *Program) Import(path string) (*types.Package, error) {
	if own := p.checked[path]; own != nil {
		return own, nil
	}
	return p.exported.Import(path)
}

// Add checks the types of a package.
func (p *Program) Add(path string, files []*ast.File) error {
	info := &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object),
		Uses: make(map[*ast.Ident]types.Object), Instances: make(map[*ast.Ident]types.Instance),
	}
	config := types.Config{Importer: p}
	checked, err := config.Check(path, p.Fset, files, info)
	if err != nil {
		return fmt.Errorf("check the types of %s: %w", path, err)
	}
	p.checked[path] = checked
	p.Packages = append(p.Packages, &Package{Path: strings.TrimPrefix(path, Prefix), Files: files, Types: checked, Info: info})
	return nil
}

// listed is what go list says of a package.
type listed struct {
	Dir, ImportPath, Export string
	GoFiles                 []string
}

// Load returns the packages that the go command finds for patterns in a folder, with
// those of the repository which they import.
func Load(dir string, patterns ...string) (*Program, error) {
	return LoadFor(runtime.GOOS, dir, patterns...)
}

// LoadFor is Load for the files that are built for another system.
func LoadFor(system, dir string, patterns ...string) (*Program, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-export", "-json=Dir,ImportPath,Export,GoFiles"}, patterns...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
	text, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return nil, fmt.Errorf("go list: %w: %s", err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := make(map[string]string)
	fset := token.NewFileSet()
	p := NewProgram(importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }), fset)
	for in := json.NewDecoder(strings.NewReader(string(text))); in.More(); {
		var l listed
		if err := in.Decode(&l); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[l.ImportPath] = l.Export
		if !strings.HasPrefix(l.ImportPath, Prefix) {
			continue
		}
		files, err := parse(fset, l.Dir, l.GoFiles)
		if err != nil {
			return nil, err
		}
		if err := p.Add(l.ImportPath, files); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parse(fset *token.FileSet, dir string, names []string) ([]*ast.File, error) {
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// fileName returns the name of the file at a position, without its folder.
func (p *Program) fileName(pos token.Pos) string { return filepath.Base(p.Fset.Position(pos).Filename) }

// problem describes what is wrong at a position of a package.
func (p *Program) problem(pkg *Package, pos token.Pos, format string, args ...any) string {
	at := p.Fset.Position(pos)
	return fmt.Sprintf("%s/%s:%d: ", pkg.Path, filepath.Base(at.Filename), at.Line) + fmt.Sprintf(format, args...)
}
