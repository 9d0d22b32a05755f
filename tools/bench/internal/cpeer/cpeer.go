// Package cpeer builds the C program that does the workloads of the loop suite
// with C libevent, and is the server of the network suites, so that both
// libraries are measured in one run.
package cpeer

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed src
var sources embed.FS

// ErrMissing says that this machine lacks a C compiler or the headers of
// libevent.
var ErrMissing = errors.New("C libevent cannot be measured")

// Peer is the compiled program.
type Peer struct {
	Path    string // of the executable
	Version string // of the libevent it is linked with
}

// Build compiles the program in dir. The compiler is $CC, or cc.
func Build(ctx context.Context, dir string) (Peer, error) {
	compiler, err := findCompiler(ctx)
	if err != nil {
		return Peer{}, err
	}
	files, err := unpack(dir)
	if err != nil {
		return Peer{}, err
	}
	peer := Peer{Path: filepath.Join(dir, "cpeer")}
	args := append([]string{"-O2", "-o", peer.Path}, files...)
	args = append(args, "-levent_core", "-levent_pthreads", "-lpthread")
	if err := run(exec.CommandContext(ctx, compiler, args...)); err != nil {
		return Peer{}, fmt.Errorf("compile the C peer: %w", err)
	}
	version, err := exec.CommandContext(ctx, peer.Path, "version").Output()
	if err != nil {
		return Peer{}, fmt.Errorf("run the C peer: %w", err)
	}
	peer.Version = strings.TrimSpace(string(version))
	return peer, nil
}

// findCompiler returns a C compiler that finds the headers of libevent.
func findCompiler(ctx context.Context) (string, error) {
	name := os.Getenv("CC")
	if name == "" {
		name = "cc"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: no C compiler: %w", ErrMissing, err)
	}
	probe := exec.CommandContext(ctx, path, "-fsyntax-only", "-x", "c", "-")
	probe.Stdin = strings.NewReader("#include <event2/event.h>\n")
	if err := run(probe); err != nil {
		return "", fmt.Errorf("%w: no event2/event.h: %w", ErrMissing, err)
	}
	return path, nil
}

// unpack writes the sources to dir and returns the paths of those to compile.
func unpack(dir string) ([]string, error) {
	entries, err := sources.ReadDir("src")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		text, err := fs.ReadFile(sources, "src/"+entry.Name())
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, entry.Name())
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return nil, err
		}
		if strings.HasSuffix(path, ".c") {
			files = append(files, path)
		}
	}
	return files, nil
}

// run runs a command. Its error holds the first line that the command wrote to
// its standard error.
func run(cmd *exec.Cmd) error {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if line, _, _ := strings.Cut(stderr.String(), "\n"); err != nil && line != "" {
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}
