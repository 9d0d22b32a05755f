package rpcpage

import (
	"go/format"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/rpc.md"

// What the page has in places of what differs from machine to machine.
const (
	elsewhere = "../libevent/" // this repository
	port      = "8642"         // of the server
	generator = "event_rpcgen.py"
)

var (
	fence     = regexp.MustCompile("(?ms)^```(\\S+)\n(.*?)^```$")
	fileName  = regexp.MustCompile(`^// ([a-z_./]+)\n`)
	wrongFile = regexp.MustCompile(`(?m)^\S+:\d+:\d+: `)
)

// A module is the one that the page makes.
type module struct {
	t      *testing.T
	folder string
	port   string
}

func TestPageIsTrue(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the page's commands are those of a shell")
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	m := module{t, t.TempDir(), freePort(t)}
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		m.follow(block[1], block[2])
	}
}

// freePort returns a port that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// follow writes the file that a block of a language is, or runs its commands.
func (m *module) follow(language, text string) {
	m.t.Helper()
	switch language {
	case "go.mod":
		tree, err := filepath.Abs("../..")
		if err != nil {
			m.t.Fatal(err)
		}
		m.write("go.mod", strings.ReplaceAll(text, elsewhere, filepath.ToSlash(tree)+"/"))
	case "go", "rpc", "c":
		name := fileName.FindStringSubmatch(text)
		if name == nil {
			m.t.Fatalf("a block does not begin with the name of its file:\n%s", text)
		}
		if formatted, err := format.Source([]byte(text)); language == "go" && (err != nil || string(formatted) != text) {
			m.t.Errorf("%s is not formatted: %v", name[1], err)
		}
		m.write(name[1], strings.ReplaceAll(text, port, m.port))
	case "console":
		m.runAll(text)
	case "console-c":
		m.runAllInC(text)
	default:
		m.t.Errorf("a block of %s is neither written nor run", language)
	}
}

func (m *module) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.folder, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// runAllInC runs commands that need C's generator and library.
func (m *module) runAllInC(text string) {
	m.t.Helper()
	path := os.Getenv("LIBEVENT_RPCGEN")
	_, err := exec.LookPath("cc")
	if path != "" && err == nil {
		m.runAll(strings.Replace(text, generator, path, 1))
		return
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		m.t.Fatal("needs a C compiler and event_rpcgen.py, which LIBEVENT_RPCGEN names: ", err)
	}
	m.t.Log("without the client in C")
}

// runAll runs commands, and looks for the lines in what they print. A command has to fail if
// that has places in files.
func (m *module) runAll(text string) {
	m.t.Helper()
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		if server, ok := strings.CutSuffix(command, " &"); ok {
			m.start(server)
			continue
		}
		out, err := m.command(command).CombinedOutput()
		if fails := wrongFile.MatchString(want); (err != nil) != fails {
			m.t.Fatalf("$ %s\n%v\n%s", command, err, out)
		}
		for _, line := range strings.Split(want, "\n") {
			if !strings.Contains(string(out), line) {
				m.t.Errorf("$ %s\ndoes not print %q, but\n%s", command, line, out)
			}
		}
	}
}

// command is one outside of any workspace.
func (m *module) command(text string) *exec.Cmd {
	words := strings.Fields(text)
	if strings.HasPrefix(words[0], "bin/") {
		words[0] = filepath.Join(m.folder, words[0])
	}
	cmd := exec.CommandContext(m.t.Context(), words[0], words[1:]...)
	cmd.Dir = m.folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	return cmd
}

// start runs a server until the test ends, and waits until it listens.
func (m *module) start(command string) {
	m.t.Helper()
	cmd := m.command(command)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		// It was stopped with the context of the test.
		_ = cmd.Wait()
	})
	for range 1000 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+m.port)
		if err == nil {
			if err := conn.Close(); err != nil {
				m.t.Error(err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	m.t.Fatalf("$ %s\ndoes not listen", command)
}
