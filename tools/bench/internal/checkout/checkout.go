// Package checkout builds commands of this module against the library as it is
// in some checkout of the repository, so that one program can do the same work
// with two versions of it.
package checkout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// library is the prefix of the paths of the library's modules, which stand in
// folders of the same names.
const library = "github.com/go-libevent/libevent/"

// self is the path of this module.
const self = library + "tools/bench"

// A Checkout is a folder with a version of the repository.
type Checkout struct {
	Dir     string
	Version string // its commit, with a + if files were changed

	worktree bool // Close removes it
}

// Open returns the checkout at a folder, or, if there is no such folder, a
// temporary one of the revision of that name, which Close removes.
func Open(ctx context.Context, name string) (*Checkout, error) {
	dir, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	c := &Checkout{Dir: dir}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if c, err = worktree(ctx, name); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "core", "go.mod")); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is no checkout of the library: %w", name, err), c.Close())
	}
	c.Version = version(ctx, c.Dir)
	return c, nil
}

// worktree checks a revision of the repository of the current folder out.
func worktree(ctx context.Context, revision string) (*Checkout, error) {
	dir, err := os.MkdirTemp("", "evbench-checkout")
	if err != nil {
		return nil, err
	}
	if _, err := output(ctx, "", "git", "worktree", "add", "--detach", dir, revision); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Checkout{Dir: dir, worktree: true}, nil
}

// Close removes the checkout if Open has made it.
func (c *Checkout) Close() error {
	if !c.worktree {
		return nil
	}
	_, err := output(context.Background(), "", "git", "worktree", "remove", "--force", c.Dir)
	return err
}

// version describes the commit of a folder. A folder without git has none.
func version(ctx context.Context, dir string) string {
	commit, err := output(ctx, dir, "git", "rev-parse", "--short", "HEAD")
	if err != nil {
		return filepath.Base(dir)
	}
	changed, err := output(ctx, dir, "git", "status", "--porcelain", "--untracked-files=no")
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(commit) + "+"
	}
	return strings.TrimSpace(commit)
}

// Build compiles a command of this module, with the library of the checkout, to
// a file. If the library has other names there, the checkout's own command of
// that name is what is compiled, and own is true.
func (c *Checkout) Build(ctx context.Context, command, file string) (own bool, err error) {
	module, err := moduleDir(ctx)
	if err != nil {
		return false, err
	}
	err = c.build(ctx, module, command, file)
	if err == nil {
		return false, nil
	}
	if _, missing := os.Stat(filepath.Join(c.Dir, "tools", "bench", command)); missing != nil {
		return false, fmt.Errorf("build %s with %s: %w", command, c.Version, err)
	}
	if err := c.build(ctx, filepath.Join(c.Dir, "tools", "bench"), command, file); err != nil {
		return true, fmt.Errorf("build %s of %s: %w", command, c.Version, err)
	}
	return true, nil
}

// build compiles a command of the module in a folder, with a go.mod of its own,
// since a workspace would bring in the library of the folder.
func (c *Checkout) build(ctx context.Context, module, command, file string) error {
	dir, err := os.MkdirTemp("", "evbench-build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	modfile := filepath.Join(dir, "go.mod")
	if err := c.writeModFile(ctx, module, modfile); err != nil {
		return err
	}
	_, err = output(ctx, module, "go", "build", "-mod=mod", "-modfile="+modfile, "-o", file, "./"+command)
	return err
}

// writeModFile writes a go.mod like that of a module, but with the library of
// the checkout, and a go.sum beside it that has the hashes of both.
func (c *Checkout) writeModFile(ctx context.Context, module, modfile string) error {
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(modfile, text, 0o600); err != nil {
		return err
	}
	siblings, err := siblings(ctx, modfile)
	if err != nil {
		return err
	}
	edit := []string{"mod", "edit"}
	sums := []string{filepath.Join(module, "go.sum"), filepath.Join(c.Dir, "go.work.sum")}
	for _, sibling := range siblings {
		dir := filepath.Join(c.Dir, filepath.FromSlash(strings.TrimPrefix(sibling, library)))
		edit = append(edit, "-replace="+sibling+"="+dir)
		sums = append(sums, filepath.Join(dir, "go.sum"))
	}
	if _, err := output(ctx, "", "go", append(edit, modfile)...); err != nil {
		return err
	}
	return concatenate(filepath.Join(filepath.Dir(modfile), "go.sum"), sums)
}

// siblings returns the modules of the library that a go.mod replaces.
func siblings(ctx context.Context, modfile string) ([]string, error) {
	text, err := output(ctx, "", "go", "mod", "edit", "-json", modfile)
	if err != nil {
		return nil, err
	}
	var parsed struct {
		Require []struct{ Path string }
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return nil, err
	}
	var found []string
	seen := make(map[string]bool)
	add := func(path string) {
		if strings.HasPrefix(path, library) && !seen[path] {
			seen[path] = true
			found = append(found, path)
		}
	}
	for _, r := range parsed.Require {
		add(r.Path)
	}
	for _, r := range parsed.Replace {
		add(r.Old.Path)
	}
	return found, nil
}

// concatenate writes the contents of the files that there are to one.
func concatenate(name string, files []string) error {
	var all bytes.Buffer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		all.Write(text)
	}
	return os.WriteFile(name, all.Bytes(), 0o600)
}

// moduleDir returns the folder of this module, which must be the current one or
// above it.
func moduleDir(ctx context.Context) (string, error) {
	dir, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", self)
	if err != nil {
		return "", fmt.Errorf("the folder of %s: %w", self, err)
	}
	return strings.TrimSpace(dir), nil
}

// output runs a program in a folder, without a workspace and without cgo, and
// returns what it prints.
func output(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(text), nil
}
