// Package cpeer builds the C programs that do the workloads of the loop suite
// with C libevent, are the servers of the network suites, the server and the
// resolver of the DNS suites, and the servers and the clients of the HTTP and the RPC
// suites, so that both libraries are measured in one run.
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

	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
)

//go:embed src tls dns http rpc
var sources embed.FS

// ErrMissing says that this machine lacks a C compiler or the headers of
// libevent or, for TLS, of OpenSSL, or, for RPC, libevent's generator.
var ErrMissing = errors.New("C libevent cannot be measured")

// Peer is a compiled program.
type Peer struct {
	Path    string // of the executable
	Version string // of the libraries it is linked with
}

// program says how to compile a program.
type program struct {
	name    string
	headers []string // that the machine must have
	files   []string // patterns of what is compiled
	libs    []string
	schema  []byte // of messages, or nil
}

var (
	workloads = program{
		name:    "cpeer",
		headers: []string{"event2/event.h"},
		files:   []string{"src/*.c"},
		libs:    []string{"-levent_core", "-levent_pthreads", "-lpthread"},
	}
	tlsServer = program{
		name:    "cpeer-tls",
		headers: []string{"event2/event.h", "openssl/ssl.h", "event2/bufferevent_ssl.h"},
		files:   []string{"tls/*.c", "src/echo.c", "src/support.c"},
		libs:    []string{"-levent_core", "-levent_openssl", "-lssl", "-lcrypto"},
	}
	dns = program{
		name:    "cpeer-dns",
		headers: []string{"event2/event.h", "event2/dns.h"},
		files:   []string{"dns/*.c", "src/support.c"},
		libs:    []string{"-levent_core", "-levent_extra"},
	}
)

// httpProgram is the server and the client of HTTP.
var httpProgram = program{
	name:    "cpeer-http",
	headers: []string{"event2/event.h", "event2/http.h"},
	files:   []string{"http/*.c", "src/support.c"},
	libs:    []string{"-levent_core", "-levent_extra"},
}

// rpc is the server and the client of RPC.
var rpc = program{
	name:    "cpeer-rpc",
	headers: []string{"event2/event.h", "event2/rpc.h"},
	files:   []string{"rpc/*.c", "src/support.c"},
	libs:    []string{"-levent_core", "-levent_extra"},
	schema:  greeting.Schema,
}

// Build compiles the program in dir. The compiler is $CC, or cc.
func Build(ctx context.Context, dir string) (Peer, error) { return workloads.build(ctx, dir) }

// BuildTLS compiles the server that speaks TLS, with OpenSSL.
func BuildTLS(ctx context.Context, dir string) (Peer, error) { return tlsServer.build(ctx, dir) }

// BuildDNS compiles the sides of the DNS suites.
func BuildDNS(ctx context.Context, dir string) (Peer, error) { return dns.build(ctx, dir) }

// BuildHTTP compiles the sides of the HTTP suites.
func BuildHTTP(ctx context.Context, dir string) (Peer, error) { return httpProgram.build(ctx, dir) }

// BuildRPC compiles the sides of the RPC suites. Their messages are written by
// event_rpcgen.py, which is a part of libevent's sources: LIBEVENT_RPCGEN says where it is.
func BuildRPC(ctx context.Context, dir string) (Peer, error) { return rpc.build(ctx, dir) }

// build compiles the program in dir.
func (p program) build(ctx context.Context, dir string) (Peer, error) {
	compiler, err := findCompiler(ctx, p.headers)
	if err != nil {
		return Peer{}, err
	}
	source := filepath.Join(dir, p.name+"-source")
	if err := os.CopyFS(source, sources); err != nil {
		return Peer{}, err
	}
	peer := Peer{Path: filepath.Join(dir, p.name)}
	args := []string{"-O2", "-I", "src", "-o", peer.Path}
	for _, pattern := range p.files {
		files, err := fs.Glob(sources, pattern)
		if err != nil {
			return Peer{}, err
		}
		args = append(args, files...)
	}
	if p.schema != nil {
		if err := generate(ctx, source, p.schema); err != nil {
			return Peer{}, err
		}
		args = append(args, "-I", ".", "greeting.gen.c")
	}
	compile := exec.CommandContext(ctx, compiler, append(args, p.libs...)...)
	compile.Dir = source
	if err := run(compile); err != nil {
		return Peer{}, fmt.Errorf("compile the C peer: %w", err)
	}
	version, err := exec.CommandContext(ctx, peer.Path, "version").Output()
	if err != nil {
		return Peer{}, fmt.Errorf("run the C peer: %w", err)
	}
	peer.Version = strings.TrimSpace(string(version))
	return peer, nil
}

// generate has libevent's generator write the code of greeting.rpc to dir.
func generate(ctx context.Context, dir string, schema []byte) error {
	generator := os.Getenv("LIBEVENT_RPCGEN")
	if generator == "" {
		return fmt.Errorf("%w: LIBEVENT_RPCGEN does not say where event_rpcgen.py is (.ci/rpcgen fetches it)", ErrMissing)
	}
	if err := os.WriteFile(filepath.Join(dir, "greeting.rpc"), schema, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "python3", generator, "--quiet", "greeting.rpc")
	cmd.Dir = dir
	if err := run(cmd); err != nil {
		return fmt.Errorf("%w: event_rpcgen.py: %w", ErrMissing, err)
	}
	return nil
}

// findCompiler returns a C compiler that finds the headers.
func findCompiler(ctx context.Context, headers []string) (string, error) {
	name := os.Getenv("CC")
	if name == "" {
		name = "cc"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: no C compiler: %w", ErrMissing, err)
	}
	for _, header := range headers {
		probe := exec.CommandContext(ctx, path, "-fsyntax-only", "-x", "c", "-")
		probe.Stdin = strings.NewReader("#include <" + header + ">\n")
		if err := run(probe); err != nil {
			return "", fmt.Errorf("%w: no %s: %w", ErrMissing, header, err)
		}
	}
	return path, nil
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
