package simulationpage

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/simulation.md"

// A block is a code block of the page.
type block struct {
	line     int // where it begins
	language string
	text     string
}

var fence = regexp.MustCompile("(?ms)^```(\\S+)\n(.*?)^```$")

// blocks returns the code blocks of the page.
func blocks(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, m := range fence.FindAllSubmatchIndex(text, -1) {
		all = append(all, block{
			line:     1 + strings.Count(string(text[:m[0]]), "\n"),
			language: string(text[m[2]:m[3]]),
			text:     string(text[m[4]:m[5]]),
		})
	}
	return all
}

// What the first line of a block of Go says: the name of its file, which it replaces.
var fileName = regexp.MustCompile(`^// ([a-z_]+\.go)\n`)

func TestPageIsTrue(t *testing.T) {
	m := module{t: t, folder: t.TempDir()}
	ran := 0
	for _, b := range blocks(t) {
		switch b.language {
		case "go.mod":
			m.begin(b)
		case "go":
			name := fileName.FindStringSubmatch(b.text)
			if name == nil {
				t.Fatalf("%s:%d: a block of Go does not begin with the name of its file", page, b.line)
			}
			if formatted, err := format.Source([]byte(b.text)); err != nil || string(formatted) != b.text {
				t.Errorf("%s:%d: the block is not formatted: %v", page, b.line, err)
			}
			m.write(name[1], b.text)
		case "console":
			m.follow(b)
			ran++
		default:
			t.Errorf("%s:%d: a block of %s is neither written nor run", page, b.line, b.language)
		}
	}
	if ran < 3 {
		t.Errorf("the page has only %d commands", ran)
	}
}

// A module is the one that the page makes.
type module struct {
	t      *testing.T
	folder string
	seed   string // "-seed N" of the last seed that has failed
}

// elsewhere is where the page's module finds this repository.
const elsewhere = "../libevent/"

// begin makes the module, with this repository where the page has another folder.
func (m *module) begin(b block) {
	m.t.Helper()
	tree, err := filepath.Abs("../..")
	if err != nil {
		m.t.Fatal(err)
	}
	if !strings.Contains(b.text, elsewhere) {
		m.t.Fatalf("%s:%d: go.mod does not look for modules in %s", page, b.line, elsewhere)
	}
	m.write("go.mod", strings.ReplaceAll(b.text, elsewhere, filepath.ToSlash(tree)+"/"))
}

func (m *module) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.folder, name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// follow runs the commands of a block, and looks for the lines that they print in it.
// "..." stands for any lines. A command fails if the block says FAIL.
func (m *module) follow(b block) {
	m.t.Helper()
	for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		output, failed := m.run(command)
		if seed := seedFlag.FindString(output); seed != "" {
			m.seed = seed
		}
		if wantFailure := strings.Contains(want, "FAIL"); failed != wantFailure {
			m.t.Fatalf("%s:%d: $ %s\nhas failed: %v, and the page says: %v\n%s", page, b.line, command, failed, wantFailure, output)
		}
		rest := shape(output)
		for _, line := range strings.Split(want, "\n") {
			if line == "" || strings.TrimSpace(line) == "..." {
				continue
			}
			_, after, found := strings.Cut(rest, shape(line))
			if !found {
				m.t.Errorf("%s:%d: $ %s\ndoes not print, or not there: %s\n%s", page, b.line, command, line, output)
				break
			}
			rest = after
		}
	}
}

// run runs a command outside of any workspace, and returns what it prints, and whether
// it has failed. Its seed is the one that has failed before.
func (m *module) run(command string) (output string, failed bool) {
	m.t.Helper()
	if m.seed != "" {
		command = seedFlag.ReplaceAllString(command, m.seed)
	}
	words := strings.Fields(strings.ReplaceAll(command, "'", ""))
	cmd := exec.CommandContext(m.t.Context(), words[0], words[1:]...)
	cmd.Dir = m.folder
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	return string(out), err != nil
}

var (
	seedFlag = regexp.MustCompile(`-seed \d+`)
	number   = regexp.MustCompile(`\d+(\.\d+)?`)
	spaces   = regexp.MustCompile(`[ \t]+`)
)

// shape is a text without its numbers, which are others when the simulation changes,
// and with single spaces.
func shape(s string) string {
	return spaces.ReplaceAllString(number.ReplaceAllString(s, "0"), " ")
}
